// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/failure_groups.h"

#include <gmock/gmock.h>

#include "tools/runner/fingerprint.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TestRecord Ended(const std::string& id, TestStatus status, const std::string& reason = "") {
  return {.id = id,
          .status = status,
          .reason = reason,
          .fingerprint = Fingerprint(reason),
          .output = "tests/" + id};
}

// Two ways to fail over repeats of three tests, one of which was retried and passed.
std::vector<TestRecord> ThreeTests() {
  return {Ended("a", TestStatus::kFailed, "timed out after 1.3 s waiting for STOP"),
          Ended("b", TestStatus::kPassed),
          Ended("c", TestStatus::kCrashed, "signal 11 (SIGSEGV)"),
          Ended("a", TestStatus::kPassed),
          Ended("b", TestStatus::kTimedOut, "timed out after 980 ms waiting for STOP"),
          Ended("a", TestStatus::kFailed, "timed out after 2 s waiting for STOP"),
          Ended("c", TestStatus::kCrashed, "signal 11 (SIGSEGV)"),
          Ended("d", TestStatus::kSkipped, "no such capability"),
          Ended("d", TestStatus::kKnownDefect, "known defect x: y")};
}

TEST(FailureGroupsTest, GroupsByReason) {
  std::vector<FailureGroup> groups = GroupFailures(ThreeTests());
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_EQ(groups[0].reason, "timed out after N s waiting for STOP");
  EXPECT_EQ(groups[0].example, "timed out after 1.3 s waiting for STOP");
  EXPECT_EQ(groups[0].failures, 3);
  ASSERT_THAT(groups[0].tests, SizeIs(2));
  EXPECT_EQ(groups[0].tests[0].id, "a");
  EXPECT_EQ(groups[0].tests[0].failed, 2);
  EXPECT_EQ(groups[0].tests[0].attempts, 3);
  EXPECT_EQ(groups[1].failures, 2);
  EXPECT_EQ(groups[1].output, "tests/c");
}

// Skips and known defects are attempts, but neither passed nor failed.
TEST(FailureGroupsTest, FlakyIsWhatPassedAndFailed) {
  std::vector<std::string> flaky;
  for (const TestTally& tally : TallyTests(ThreeTests())) {
    if (IsFlaky(tally)) flaky.push_back(tally.id);
  }
  EXPECT_THAT(flaky, ElementsAre("a", "b"));
  EXPECT_EQ(TallyTests(ThreeTests())[3].attempts, 2);
}

TEST(FailureGroupsTest, IsReadInTheTerminal) {
  EXPECT_EQ(DescribeFailures(ThreeTests()),
            "3 failures of 2 tests [" + Fingerprint("timed out after 1 s waiting for STOP") +
                "]:\n  timed out after N s waiting for STOP\n"
                "      2 of 3  a\n      1 of 2  b\n  first in tests/a\n\n"
                "2 failures of 1 test [" +
                Fingerprint("signal 11 (SIGSEGV)") +
                "]:\n  signal 11 (SIGSEGV)\n"
                "      2 of 2  c\n  first in tests/c\n\n"
                "flaky, passed and failed: 2 tests\n"
                "    failed 2 of 3  a\n    failed 1 of 2  b\n");
  EXPECT_THAT(DescribeFailures({Ended("a", TestStatus::kPassed)}), IsEmpty());
}

// What was not run fails the run, without having been tried; one that says nothing has its status.
TEST(FailureGroupsTest, NotRunIsNoAttempt) {
  std::vector<TestRecord> records = {Ended("a", TestStatus::kNotRun, "SIGINT"),
                                     {.id = "b", .status = TestStatus::kTimedOut}};
  std::vector<FailureGroup> groups = GroupFailures(records);
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_EQ(groups[0].tests[0].attempts, 0);
  EXPECT_EQ(groups[1].reason, "TIMED_OUT");
  EXPECT_THAT(DescribeFailures(records), HasSubstr("not run  a"));
}

}  // namespace
}  // namespace tandem
