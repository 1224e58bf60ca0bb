// SPDX-License-Identifier: Apache-2.0
// What a run comes to: counts, what failed, and the exit code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/runner/run_record.h"
#include "tools/runner/terminal.h"

namespace tandem {

// All attempts at one test. A value.
struct TestOutcome {
  TestRecord shown;  // the worst attempt
  int attempts = 0, failures = 0;
  bool is_flaky = false;  // failed, and passed when it was tried again
};

// A value.
struct RunSummary {
  std::vector<TestOutcome> tests;    // in the order of the listing
  std::map<TestStatus, int> counts;  // by the worst attempt; flaky ones are in none
  int flaky = 0;

  int Count(TestStatus status) const;
  // FAILED, TIMED_OUT and CRASHED.
  int failed() const;
};

// `retried`: a test that passed in the end is flaky, not failed.
RunSummary SummarizeRun(const RunRecord& run, bool retried);

// How a run is judged. A value.
struct ExitRules {
  bool allow_all_skipped = false, allow_flaky = false;
  bool bisect = false;  // for `git bisect run`
};

// 0: a test passed, and none failed, was flaky or was not run. 1: otherwise; 77: none did any of
// that. With `bisect` 0 good, 1 bad, 125 when that cannot be said. 128 + signal when interrupted.
int ExitCodeOf(const RunSummary& summary, const ExitRules& rules, int interrupting_signal);

// "12 passed, 1 failed, 2 skipped"; "no test" when there is none.
std::string DescribeCounts(const RunSummary& summary);
// The end of a run for a person: failures with the first lines of their reasons and their folders,
// flaky tests, those that took longest, and the counts.
std::string DescribeRun(const RunRecord& run, const RunSummary& summary, const Terminal& terminal);

// At most `lines` lines of a reason, each indented by `indent` spaces.
std::string IndentReason(const std::string& reason, size_t lines, size_t indent);

}  // namespace tandem
