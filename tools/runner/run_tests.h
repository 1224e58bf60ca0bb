// SPDX-License-Identifier: Apache-2.0
// Runs planned tests, several at once, each in a process of its own, and writes down their ends.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/runner/attempt.h"
#include "tools/runner/interrupt_signals.h"
#include "tools/runner/planned_test.h"
#include "tools/runner/print_policy.h"
#include "tools/runner/run_record.h"
#include "tools/runner/terminal.h"

namespace tandem {

// How tests are run. A value.
struct RunSettings {
  std::string folder;  // the run's, there already; absolute
  double jobs = 1;     // cores that may be busy at once
  AttemptSettings attempt;
  int repeat = 1;           // attempts at each test; with until_fail 0: without an end
  bool until_fail = false;  // nothing is started after a failure
  int retries = 0;          // further attempts at a test that failed
  PrintPolicy print;
};

// A value.
struct RunEnd {
  std::vector<TestRecord>
      records;        // in the order of their ends; a NOT_RUN for each without another
  int signal = 0;     // the one that ended it before its time; 0: none did
  absl::Status lost;  // why something could not be written down
};

// Blocks until all have ended, or, after a signal, until those that ran are gone. From the main
// thread; each record is appended to the run's results as it comes. `recording` is the one that the
// signals wake.
RunEnd RunTests(const std::vector<PlannedTest>& tests, const RunSettings& settings,
                const InterruptSignals& signals, Recording& recording, Terminal& terminal);

}  // namespace tandem
