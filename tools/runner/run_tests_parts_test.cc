// SPDX-License-Identifier: Apache-2.0
// The small parts of a run: times of earlier runs, folders, what is printed.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"
#include "tools/runner/attempt_report.h"
#include "tools/runner/past_times.h"
#include "tools/runner/print_policy.h"
#include "tools/runner/run_folder.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PastTimesTest : public ::testing::Test {
 protected:
  void SetUp() override { setenv("TANDEM_CACHE", scratch_->path().c_str(), 1); }
  void TearDown() override { unsetenv("TANDEM_CACHE"); }

  std::unique_ptr<ScratchDirectory> scratch_ = ScratchDirectory::Create().value();
  std::string warning_;
};

// Later runs count more; what another run saved meanwhile stays; what is not known is the median.
TEST_F(PastTimesTest, AreKept) {
  PastTimes first = PastTimes::Load(warning_), second = first;
  first.Add({.id = "a", .status = TestStatus::kPassed, .seconds = 4});
  first.Add({.id = "a", .status = TestStatus::kTimedOut, .seconds = 8});
  first.Add({.id = "b", .status = TestStatus::kCrashed, .seconds = 1});
  ASSERT_TRUE(first.Save().ok());
  second.Add({.id = "c", .status = TestStatus::kFailed, .seconds = 2.0004});
  ASSERT_TRUE(second.Save().ok());
  std::vector<PlannedTest> tests = {{.id = "a"}, {.id = "b"}, {.id = "c"}};
  PastTimes::Load(warning_).Estimate(tests);
  EXPECT_EQ(warning_, "");
  EXPECT_EQ(tests[0].expected_seconds, 6);
  EXPECT_EQ(tests[1].expected_seconds, 6);
  EXPECT_EQ(tests[2].expected_seconds, 2);
}

// A folder that was not there is made; one that went while the tests ran is not.
TEST_F(PastTimesTest, RemovedFolderIsNotMadeAgain) {
  std::string folder = scratch_->File("cache");
  setenv("TANDEM_CACHE", folder.c_str(), 1);
  PastTimes times = PastTimes::Load(warning_);
  times.Add({.id = "a", .status = TestStatus::kPassed, .seconds = 4});
  ASSERT_TRUE(times.Save().ok());
  times = PastTimes::Load(warning_);
  times.Add({.id = "a", .status = TestStatus::kPassed, .seconds = 4});
  std::filesystem::remove_all(folder);
  EXPECT_THAT(times.Save().message(), HasSubstr("test-times.json cannot be written: somebody"));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(PastTimesTest, NonsenseIsForgotten) {
  std::ofstream(scratch_->File("test-times.json")) << R"({"schema":1,"seconds":{"a":-1,"b":"x"}})";
  std::vector<PlannedTest> tests = {{.id = "a"}, {.id = "b"}};
  PastTimes::Load(warning_).Estimate(tests);
  EXPECT_EQ(tests[0].expected_seconds, 0);
  std::ofstream(scratch_->File("test-times.json")) << R"({"schema":9})";
  PastTimes::Load(warning_);
  EXPECT_THAT(warning_, HasSubstr("its schema is another one"));
}

TEST(OutputNamesTest, AreNeverShared) {
  OutputNames names;
  EXPECT_EQ(names.NameFor("a.A.B/C"), "tests/a.A.B.C");
  EXPECT_EQ(names.NameFor("a.A.B.C"), "tests/a.A.B.C~2");
  EXPECT_EQ(names.NameFor("../../etc"), "tests/......etc");
  std::string longer(300, 'x');
  EXPECT_LT(names.NameFor(longer).size(), 220u);
  EXPECT_NE(names.NameFor(longer), names.NameFor(longer + "y"));
}

// Runs that begin in the same second.
TEST(RunFolderTest, IsMadeOnce) {
  auto scratch = ScratchDirectory::Create().value();
  std::set<std::string> folders;
  for (int i = 0; i < 5; ++i) folders.insert(MakeRunFolder(scratch->File("out")).value());
  EXPECT_EQ(folders.size(), 5u);
  EXPECT_TRUE(std::filesystem::equivalent(scratch->File("out/latest"), *folders.rbegin()));
  EXPECT_TRUE(std::filesystem::read_symlink(scratch->File("out/latest")).is_relative());
}

TEST(PrintPolicyTest, GoesByStatus) {
  PrintPolicy policy;
  EXPECT_EQ(policy.Of(TestStatus::kCrashed), PrintDetail::kFull);
  EXPECT_EQ(policy.Of(TestStatus::kPassed), PrintDetail::kStatus);
  ASSERT_TRUE(policy.Apply("failed=stderr").ok());
  EXPECT_EQ(policy.Of(TestStatus::kCrashed), PrintDetail::kStderr);
  EXPECT_EQ(policy.Of(TestStatus::kTimedOut), PrintDetail::kFull);
  ASSERT_TRUE(policy.Apply("skipped=off").ok());
  EXPECT_EQ(policy.Of(TestStatus::kKnownDefect), PrintDetail::kOff);
  for (const char* wrong : {"", "failed", "failed=", "all=off", "passed=loud", "=full"}) {
    EXPECT_FALSE(policy.Apply(wrong).ok()) << wrong;
  }
}

TEST(DescribeProgressTest, TellsWhatRuns) {
  Progress progress{.total = 9,
                    .counts = {{TestStatus::kPassed, 3}, {TestStatus::kFailed, 1}},
                    .running = {{"a.A.B", absl::Seconds(7)}, {"a.A.C", absl::Seconds(0)}},
                    .start = absl::Now() - absl::Seconds(65.5)};
  EXPECT_EQ(DescribeProgress(progress),
            "[4/9] 3 passed, 1 failed, 1:05, runs a.A.B (7 s), a.A.C (0 s)");
}

// What a terminal would see.
TEST(TerminalTest, TheLiveLineGivesWay) {
  auto scratch = ScratchDirectory::Create().value();
  std::FILE* file = std::fopen(scratch->File("tty").c_str(), "w");
  {
    Terminal terminal(file, true, true, 10);
    terminal.SetLive("12345678901234567890");
    terminal.Print("line");
    terminal.SetLive("abc");
  }
  std::fclose(file);
  EXPECT_EQ(ReadTextFile(scratch->File("tty")),
            Shorten("12345678901234567890", 9) + "\r\x1b[Kline\nabc\r\x1b[K");
}

TEST(PrintAttemptTest, ATestCannotStepIntoTheTerminal) {
  auto scratch = ScratchDirectory::Create().value();
  std::filesystem::create_directories(scratch->File("t"));
  ASSERT_TRUE(WriteTextFile(scratch->File("t/stdout.txt"), "\x1b[2Jwiped\n").ok());
  std::FILE* file = std::fopen(scratch->File("tty").c_str(), "w");
  Terminal terminal(file, false, false, 80);
  PrintAttempt({.id = "a", .status = TestStatus::kFailed, .reason = "\x1b[2J", .output = "t"},
               scratch->path(), PrintPolicy(), terminal);
  std::fclose(file);
  EXPECT_THAT(ReadTextFile(scratch->File("tty")),
              AllOf(HasSubstr("wiped"), ::testing::Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace tandem
