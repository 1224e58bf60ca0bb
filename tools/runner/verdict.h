// SPDX-License-Identifier: Apache-2.0
// What became of a test, by what its process left: a value out of values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "lib/process/exit_status.h"
#include "lib/qmp/json.h"
#include "lib/report/results.h"
#include "tools/runner/planned_test.h"

namespace tandem {

// What is known of the end of one attempt. A value.
struct AttemptEnd {
  ExitConvention convention = ExitConvention::kTandem;
  std::string test;                // GoogleTest's name
  std::string start_error;         // why it could not be started; "" otherwise
  std::optional<ExitStatus> exit;  // none when it was not started
  std::vector<Json> lines;         // of the results that it wrote, in order
  std::string last_stderr_line;
  absl::Duration elapsed, timeout, grace;  // timeout and grace as they counted, scaled
  std::string flooded;                     // what it wrote too much of; "" otherwise
  bool was_stopped = false;                // by the runner, because its time and grace were over
  std::string interrupted;                 // the signal that ended the whole run; "" otherwise
  std::string left_behind;                 // processes that survived it; "" otherwise
};

// A value.
struct Verdict {
  TestStatus status = TestStatus::kNotRun;
  std::string reason;  // of anything but PASSED
  Json line;           // what the test wrote of itself; a null when there is nothing
};

// An exit code 0 proves nothing by itself: a test of Tandem has passed when it has also said so.
Verdict Judge(const AttemptEnd& end);

// Lines of a results.jsonl; what is no JSON is left out.
std::vector<Json> ParseResults(const std::string& text);

}  // namespace tandem
