// SPDX-License-Identifier: Apache-2.0
// Ends that run_status_test.cc cannot make with a real process.
#include "tools/runner/verdict.h"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Kind = ExitStatus::Kind;

AttemptEnd Exited(int code, const std::string& results) {
  return {.test = "A.B",
          .exit = ExitStatus{.value = code},
          .lines = ParseResults(results),
          .elapsed = absl::Seconds(5),
          .timeout = absl::Seconds(120)};
}

// The test's own watchdog ended it: it says FAILED, but its time was over.
TEST(JudgeTest, AFailureAfterTheTimeIsATimeout) {
  AttemptEnd end = Exited(1, R"({"test":"A.B","status":"FAILED","reason":"x"})");
  EXPECT_EQ(Judge(end).status, TestStatus::kFailed);
  end.elapsed = absl::Seconds(121);
  EXPECT_EQ(Judge(end).status, TestStatus::kTimedOut);
  EXPECT_EQ(Judge(end).reason, "x");
}

TEST(JudgeTest, OnlyTheTestsOwnLineCounts) {
  EXPECT_EQ(Judge(Exited(0, R"({"test":"A.C","status":"PASSED"})")).status, TestStatus::kFailed);
  EXPECT_EQ(Judge(Exited(0,
                         "{\"test\":\"A.B\",\"status\":\"FAILED\"}\n"
                         "{\"test\":\"A.B\",\"status\":\"PASSED\"}\n{\"test\":"))
                .status,
            TestStatus::kPassed);
  EXPECT_EQ(Judge(Exited(0, R"({"test":"A.B","status":"GOOD"})")).status, TestStatus::kFailed);
  EXPECT_EQ(Judge(Exited(1, R"({"test":"A.B","status":"SKIPPED"})")).status, TestStatus::kFailed);
}

TEST(JudgeTest, SilentEnds) {
  EXPECT_EQ(Judge(Exited(77, "")).status, TestStatus::kSkipped);
  EXPECT_EQ(Judge(Exited(1, "")).status, TestStatus::kFailed);
  EXPECT_EQ(Judge({.start_error = "no such file"}).status, TestStatus::kNotRun);
}

TEST(JudgeTest, Testcases) {
  AttemptEnd end = Exited(0, "");
  end.convention = ExitConvention::kTestcase;
  EXPECT_EQ(Judge(end).status, TestStatus::kPassed);
  end.exit->value = 4;
  EXPECT_EQ(Judge(end).status, TestStatus::kSkipped);
  end.exit->value = 77;
  end.last_stderr_line = "assertion";
  EXPECT_EQ(Judge(end).status, TestStatus::kFailed);
  EXPECT_THAT(Judge(end).reason, HasSubstr("exit code 77\nassertion"));
  end.exit->kind = Kind::kSignaled;
  EXPECT_EQ(Judge(end).status, TestStatus::kCrashed);
}

// Of a test that the runner stopped, what it wrote before is kept, but is no verdict.
TEST(JudgeTest, AStoppedTestTimedOut) {
  AttemptEnd end = Exited(0, R"({"test":"A.B","status":"PASSED","downtime_ms":3})");
  end.was_stopped = true;
  EXPECT_EQ(Judge(end).status, TestStatus::kTimedOut);
  EXPECT_EQ(Judge(end).line["downtime_ms"].Integer(), 3);
}

// It was faster than the signal that ended the run.
TEST(JudgeTest, WhatHadPassedStaysPassed) {
  AttemptEnd end = Exited(0, R"({"test":"A.B","status":"PASSED"})");
  end.interrupted = "SIGINT";
  EXPECT_EQ(Judge(end).status, TestStatus::kPassed);
  end.exit = ExitStatus{.kind = Kind::kSignaled, .value = 15};
  EXPECT_EQ(Judge(end).status, TestStatus::kNotRun);
}

TEST(JudgeTest, WhatSurvivesIsAFailure) {
  AttemptEnd end = Exited(0, R"({"test":"A.B","status":"PASSED"})");
  end.left_behind = "processes 7 survive SIGKILL for 10 s";
  EXPECT_EQ(Judge(end).status, TestStatus::kFailed);
  EXPECT_THAT(Judge(end).reason, HasSubstr("processes 7 survive"));
}

TEST(ParseResultsTest, LeavesOutGarbage) {
  EXPECT_THAT(ParseResults("\x80\xff{\n[1]\n{\"a\":1}\n{\"b\":"), SizeIs(1));
}

}  // namespace
}  // namespace tandem
