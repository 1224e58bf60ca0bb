// SPDX-License-Identifier: Apache-2.0
// What failed in one run or in several, grouped by the way in which it failed, and what failed only
// now and then.
#pragma once

#include <string>
#include <vector>

#include "tools/runner/run_record.h"

namespace tandem {

// Attempts at one test. A value.
struct TestTally {
  std::string id;
  int attempts = 0;  // that began: all but NOT_RUN
  int passed = 0;
  int failed = 0;  // FAILED, TIMED_OUT, CRASHED
};

// Passed and failed, of the same code: never a pass, whichever came last.
inline bool IsFlaky(const TestTally& tally) { return tally.passed > 0 && tally.failed > 0; }

// What failed in the same way. A value.
struct FailureGroup {
  std::string fingerprint;
  std::string reason;            // NormalizedReason() of all of them
  std::string example;           // the reason of the first, as it stood
  std::string output;            // its folder, under the run's folder
  int failures = 0;              // attempts that ended so
  std::vector<TestTally> tests;  // those that did: `failed` counts this way only
};

// Whether a test that ended so makes a run fail.
bool IsFailure(TestStatus status);
// What a record says of its failure; a word for its status where it has no reason.
std::string ReasonOf(const TestRecord& record);

// One tally for each test, in the order of their first record.
std::vector<TestTally> TallyTests(const std::vector<TestRecord>& records);
// The most frequent first; NOT_RUN is a failure here, too. Of a single run or of several.
std::vector<FailureGroup> GroupFailures(const std::vector<TestRecord>& records);

// For the terminal: the groups with their tests, then the flaky tests; "" when nothing failed.
//
//   3 failures of 2 tests [0472f14006]:
//     colo_test.cc:N
//     WaitForCheckpoints(N)
//       2 of 20  colo.ColoTest.SurvivorTakesOver/Pc
//       1 of 20  colo.ColoTest.SurvivorTakesOver/Q35
//     first in tests/colo.ColoTest.SurvivorTakesOver.Pc
//
//   flaky, passed and failed: 1 test
//       failed 2 of 20  colo.ColoTest.SurvivorTakesOver/Pc
std::string DescribeFailures(const std::vector<TestRecord>& records);

}  // namespace tandem
