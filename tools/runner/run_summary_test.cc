// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_summary.h"

#include <gmock/gmock.h>

#include <csignal>

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using enum TestStatus;

// One test for each list of the statuses of its attempts.
RunRecord RunOf(const std::vector<std::vector<TestStatus>>& tests) {
  RunRecord run;
  for (size_t i = 0; i < tests.size(); ++i) {
    std::string id = "a.A.T" + std::to_string(i);
    run.info.tests.push_back(id);
    int64_t attempt = 0;
    for (TestStatus status : tests[i]) {
      run.records.push_back({.id = id, .attempt = ++attempt, .status = status, .reason = "r\ns"});
    }
  }
  return run;
}

int CodeOf(const std::vector<std::vector<TestStatus>>& tests, const ExitRules& rules = {},
           bool retried = false) {
  return ExitCodeOf(SummarizeRun(RunOf(tests), retried), rules, 0);
}

TEST(ExitCodeTest, IsGoodOnlyIfSomethingPassed) {
  EXPECT_EQ(CodeOf({{kPassed}, {kSkipped}, {kKnownDefect}}), 0);
  EXPECT_EQ(CodeOf({{kSkipped}, {kKnownDefect}}), 77);
  EXPECT_EQ(CodeOf({{kSkipped}}, {.allow_all_skipped = true}), 0);
  for (TestStatus bad : {kFailed, kTimedOut, kCrashed, kNotRun}) {
    EXPECT_EQ(CodeOf({{kPassed}, {bad}}, {.allow_all_skipped = true, .allow_flaky = true}), 1);
  }
}

TEST(ExitCodeTest, OfRepeatsAndRetries) {
  EXPECT_EQ(CodeOf({{kPassed, kFailed, kPassed}}), 1);
  EXPECT_EQ(CodeOf({{kFailed, kPassed}}, {}, true), 1);
  EXPECT_EQ(CodeOf({{kFailed, kPassed}}, {.allow_flaky = true}, true), 0);
  EXPECT_EQ(CodeOf({{kFailed, kFailed}}, {.allow_flaky = true}, true), 1);
  EXPECT_EQ(CodeOf({{kFailed, kSkipped}}, {.allow_flaky = true}, true), 1);
}

TEST(ExitCodeTest, ForGitBisect) {
  ExitRules rules{.bisect = true};
  EXPECT_EQ(CodeOf({{kPassed}, {kSkipped}}, rules), 0);
  EXPECT_EQ(CodeOf({{kPassed}, {kTimedOut}, {kNotRun}}, rules), 1);
  EXPECT_EQ(CodeOf({{kSkipped}, {kKnownDefect}}, rules), 125);
  EXPECT_EQ(CodeOf({{kPassed}, {kNotRun}}, rules), 125);
  EXPECT_EQ(ExitCodeOf({}, rules, SIGINT), 130);
}

TEST(DescribeRunTest, HasWhatAPersonNeeds) {
  RunRecord run = RunOf({{kPassed}, {kFailed, kPassed}, {kCrashed}});
  run.records.back().output = "tests/a.A.T2";
  Terminal plain(stdout, false, false, 80);
  std::string text = DescribeRun(run, SummarizeRun(run, true), plain);
  EXPECT_THAT(text, AllOf(HasSubstr("FLAKY        a.A.T1 (0 ms, failed 1 of 2 times)"),
                          HasSubstr("CRASHED      a.A.T2"), HasSubstr("tests/a.A.T2\n"),
                          HasSubstr("1 passed, 1 crashed, 1 flaky\n"), Not(HasSubstr("a.A.T0"))));
  Terminal coloured(stdout, false, true, 80);
  EXPECT_THAT(DescribeRun(run, SummarizeRun(run, true), coloured), HasSubstr("\x1b[31mCRASHED"));
}

// What was not started is counted, not listed.
TEST(DescribeRunTest, AfterAnInterruption) {
  RunRecord run = RunOf({{kPassed}, {kNotRun}, {kNotRun}});
  run.info.interrupted = "SIGINT";
  run.records[1].output = "tests/a.A.T1";
  Terminal plain(stdout, false, false, 80);
  std::string text = DescribeRun(run, SummarizeRun(run, false), plain);
  EXPECT_THAT(text, AllOf(HasSubstr("NOT_RUN      a.A.T1"), Not(HasSubstr("a.A.T2")),
                          HasSubstr("1 test was not started"), HasSubstr("ended by SIGINT"),
                          HasSubstr("1 passed, 2 not run")));
}

}  // namespace
}  // namespace tandem
