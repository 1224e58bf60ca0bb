// SPDX-License-Identifier: Apache-2.0
// What is shown of tests while a run goes on: a line or the output of each that ended, and how far
// the run is.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/runner/print_policy.h"
#include "tools/runner/run_record.h"
#include "tools/runner/terminal.h"

namespace tandem {

// How far a run is. A value.
struct Progress {
  size_t total = 0;                                             // attempts that are planned
  std::map<TestStatus, int> counts;                             // of those that ended
  std::vector<std::pair<std::string, absl::Duration>> running;  // ids and their times
  absl::Time start = absl::Now();
};

// "[12/340] 10 passed, 2 failed, 1:05, runs precopy.… (3 s), …"
std::string DescribeProgress(const Progress& progress);

// As the policy has it for this status; output that is long is cut in the middle.
void PrintAttempt(const TestRecord& record, const std::string& run_folder,
                  const PrintPolicy& policy, Terminal& terminal);

}  // namespace tandem
