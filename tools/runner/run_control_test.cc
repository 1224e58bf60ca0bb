// SPDX-License-Identifier: Apache-2.0
// How `tandem run` chooses, schedules, is interrupted, and refuses.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tools/runner/testing/tandem_run.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace fs = std::filesystem;

class RunListingTest : public TandemRunTest {};

// Slow and disabled tests are there for those who ask.
TEST_F(RunListingTest, LeavesOutSlowAndDisabledTests) {
  EXPECT_EQ(Run({"--list"}), 0);
  EXPECT_THAT(Output(), AllOf(HasSubstr("scripted.Scripted.Passes\n"), Not(HasSubstr("Sweep")),
                              Not(HasSubstr("DISABLED"))));
  EXPECT_EQ(Run({"--list", "--label", "slow"}), 0);
  EXPECT_EQ(Output(), "scripted.Scripted.Sweep\n");
  EXPECT_EQ(Run({"--list", "--filter", "*Sweep"}), 0);
  EXPECT_EQ(Run({"--label", "disabled"}), 0);
  EXPECT_THAT(Output(), HasSubstr("1 passed"));
  EXPECT_EQ(Run({"--list", "--filter", "*.Passes", "--filter=scripted.*Aborts"}), 0);
  EXPECT_EQ(Output(), "scripted.Scripted.Passes\nscripted.Scripted.Aborts\n");
}

TEST_F(RunListingTest, AwaitsASlowListing) {
  setenv("TANDEM_SCRIPTED_LISTING", "is-slow", 1);
  EXPECT_EQ(Run({"--list"}), 0);
}

// A listing that cannot be trusted is an error that names the program.
TEST_F(RunListingTest, RefusesABrokenSuite) {
  const std::pair<const char*, const char*> cases[] = {
      {"dies", "exit code 3: no memory"}, {"crashes", "signal 11 (SIGSEGV)"},
      {"garbage", "it says: "},           {"chatters", "it says: xxx"},
      {"is-empty", "it names none"},      {"tells-twice", "comes twice"}};
  for (const auto& [manner, words] : cases) {
    setenv("TANDEM_SCRIPTED_LISTING", manner, 1);
    EXPECT_EQ(Run({}), 2) << manner;
    EXPECT_THAT(Output(),
                AllOf(HasSubstr("scripted_test cannot list its tests: "), HasSubstr(words)));
  }
  EXPECT_FALSE(fs::exists(results()));
}

TEST_F(RunListingTest, RefusesASuiteThatHangs) {
  setenv("TANDEM_SCRIPTED_LISTING", "hangs", 1);
  setenv("TANDEM_TIMEOUT_FACTOR", "0.1", 1);
  EXPECT_EQ(Run({}), 2);
  unsetenv("TANDEM_TIMEOUT_FACTOR");
  EXPECT_THAT(Output(), HasSubstr("does not end within 3"));
}

class RunRefusalTest : public TandemRunTest {
 protected:
  void ExpectRefused(const std::vector<std::string>& arguments, const std::string& words,
                     int code = 2) {
    EXPECT_EQ(Run(arguments), code) << Output();
    EXPECT_THAT(Output(), HasSubstr(words));
    EXPECT_THAT(Output(), Not(HasSubstr("PASSED")));
  }
};

TEST_F(RunRefusalTest, OfWrongSettings) {
  ExpectRefused({"--filter", "No*"}, "no test matches the filter 'No*'");
  ExpectRefused({"--label", "coloo"},
                "no test has the label 'coloo'; the labels are: disabled scripted slow");
  ExpectRefused({"--filter", "*.Passes", "--label", "slow"}, "nothing is left of");
  ExpectRefused({"--filter", "*.Passes", "--shard", "2/2"}, "the shard 2/2 is empty");
  ExpectRefused({"--shard", "4/3"}, "4/3");
  ExpectRefused({"--qemu", "/no/such/qemu"}, "tandem: --qemu /no/such/qemu: there is no");
  ExpectRefused({"--qemu", "/bin/true"}, "/bin/true");
  ExpectRefused({"--qemu", "/bin/true", "--bisect"}, "/bin/true", 125);
  ExpectRefused({"--filter", "No*", "--bisect"}, "no test matches", 128);
  ExpectRefused({"--jobs", "0", "--bisect"}, "--jobs", 128);
  ExpectRefused({"--src", "/bin/true"}, "--src and --dst come together");
  ExpectRefused({"--qemu", "a", "--src", "b", "--dst", "c"}, "--qemu is for both sides");
  ExpectRefused({"--retries", "1", "--repeat", "2"}, "--retries hides");
  ExpectRefused({"--allow-flaky"}, "says nothing without --retries");
  ExpectRefused({"--path", "x"}, "--path says nothing without");
  ExpectRefused({"--times", "x"}, "--times says nothing without --shard");
  ExpectRefused({"--print", "passed=loud"}, "--print passed=loud");
  ExpectRefused({"--jobs", "0"}, "--jobs");
  ExpectRefused({"--only-failed", folder()}, "holds no run of tandem");
  EXPECT_FALSE(fs::exists(results()));
  Start({}, folder());
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(Output(), HasSubstr("there is no suite"));
}

TEST_F(RunRefusalTest, OfAnOutputThatCannotBeWritten) {
  std::ofstream(results()) << "a file";
  ExpectRefused({"--filter", "*.Passes"}, "cannot be written");
  results_ += "/below";
  ExpectRefused({"--filter", "*.Passes"}, "cannot be written");
}

class RunFolderTest : public TandemRunTest {};

// Runs are never mixed.
TEST_F(RunFolderTest, IsNewForEachRun) {
  EXPECT_EQ(Run({"--filter", "*.Passes"}), 0);
  std::string first = fs::read_symlink(results() + "/latest");
  EXPECT_EQ(Run({"--filter", "*.Fails"}), 1);
  EXPECT_NE(fs::read_symlink(results() + "/latest"), first);
  EXPECT_THAT(ReadRun(results() + "/" + first)->records, SizeIs(1));
  EXPECT_EQ(Run({"--only-failed", results()}), 1);
  EXPECT_EQ(Latest().records.at(0).id, "scripted.Scripted.Fails");
  EXPECT_EQ(Run({"--only-failed", results() + "/" + first}), 2);
  EXPECT_THAT(Output(), HasSubstr("no test failed in the run"));
}

// Without a cache it runs all the same, and says what it lacks.
TEST_F(RunFolderTest, ABrokenCacheIsAWarning) {
  std::ofstream(scratch_->File("cache/test-times.json")) << "{";
  EXPECT_EQ(Run({"--filter", "*.Passes"}), 0);
  EXPECT_THAT(Output(), HasSubstr("warning: "));
  EXPECT_EQ(Run({"--filter", "*.Passes"}), 0);
  EXPECT_THAT(Output(), Not(HasSubstr("warning: "))) << "it was not replaced";
  fs::remove(scratch_->File("cache/test-times.json"));
  fs::create_directories(scratch_->File("cache/test-times.json/full"));
  EXPECT_EQ(Run({"--filter", "*.Passes"}), 0);
  EXPECT_THAT(Output(), HasSubstr("test-times.json cannot be written"));
}

class RunBudgetTest : public TandemRunTest {
 protected:
  // The largest number that was counted.
  int MostOf(const std::string& name) {
    std::ifstream file(scratch_->File(name));
    int most = 0, count = 0;
    while (file >> count) most = std::max(most, count);
    return most;
  }
};

// Two cores: two narrow tests at once, and nothing beside a wide one.
TEST_F(RunBudgetTest, MachinesCostCores) {
  EXPECT_EQ(Run({"--filter", "*Narrow*:*Wide:*Huge", "--jobs", "2", "--repeat", "2"}), 0);
  EXPECT_EQ(MostOf("narrow"), 2);
  EXPECT_EQ(MostOf("Wide"), 1);
  EXPECT_EQ(MostOf("Huge"), 1);
}

TEST_F(RunBudgetTest, OneCoreRunsOneTest) {
  EXPECT_EQ(Run({"--filter", "*Narrow*", "--jobs", "1"}), 0);
  EXPECT_EQ(MostOf("narrow"), 1);
}

class RunInterruptionTest : public TandemRunTest {};

TEST_F(RunInterruptionTest, CtrlCTellsWhatIsMissing) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"--filter", "*.Hangs:*.Sweep", "--jobs", "1", "--timeout", "500"}));
  AwaitFile(results() + "/latest/tests/scripted.Scripted.Hangs/stdout.txt");
  EXPECT_TRUE(child_->Signal(SIGINT).ok());
  EXPECT_EQ(Finish(), 130);
  EXPECT_THAT(Output(),
              AllOf(HasSubstr("SIGINT"), HasSubstr("Scripted.Hangs"), HasSubstr("2 not run")));
  RunRecord run = Latest();
  EXPECT_EQ(run.info.interrupted, "SIGINT");
  EXPECT_THAT(run.info.finished, Not(IsEmpty()));
  EXPECT_THAT(ReadTextFile(run.folder + "/junit.xml"),
              HasSubstr("not finished: the run was ended"));
  EXPECT_THAT(RecordOf("Hangs").reason, HasSubstr("not finished: the run was ended by SIGINT"));
  EXPECT_THAT(RecordOf("Sweep").reason, HasSubstr("not started: the run was ended by SIGINT"));
}

// As at a timeout: what a test was about is not lost.
TEST_F(RunInterruptionTest, TestsLeaveTheirEvidence) {
  ASSERT_NO_FATAL_FAILURE(Start({"--filter", "*.HangsWithEvidence", "--timeout", "500"}));
  AwaitFile(results() + "/latest/tests/scripted.Scripted.HangsWithEvidence/ready");
  EXPECT_TRUE(child_->Signal(SIGINT).ok());
  EXPECT_EQ(Finish(), 130);
  TestRecord record = RecordOf("HangsWithEvidence");
  EXPECT_EQ(record.status, TestStatus::kNotRun);
  EXPECT_EQ(record.reason, "not finished: the run was ended by SIGINT\nawaited nothing");
  std::string artifacts = record.line["artifacts"].Text();
  EXPECT_EQ(ReadTextFile(Latest().folder + "/" + artifacts + "/summary.txt"), "it hangs\n");
  EXPECT_THAT(Output(), HasSubstr(record.output + "\n"));
}

TEST_F(RunInterruptionTest, SigtermEndsAStubbornTest) {
  ASSERT_NO_FATAL_FAILURE(Start({"--filter", "*Stubbornly", "--timeout", "500"}));
  AwaitFile(results() + "/latest/tests/scripted.Scripted.HangsStubbornly/stdout.txt");
  EXPECT_TRUE(child_->Signal(SIGTERM).ok());
  AwaitOutput("ending the tests that run");
  EXPECT_TRUE(child_->Signal(SIGTERM).ok());  // at once
  EXPECT_EQ(Finish(), 143);
  EXPECT_EQ(RecordOf("HangsStubbornly").status, TestStatus::kNotRun);
}

// Nobody is there to clean up but the guardian; and what had ended is told.
TEST_F(RunInterruptionTest, SigkillLeavesNothing) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"--filter", "*.Hangs:*.Passes", "--jobs", "2", "--timeout", "500"}));
  ASSERT_NO_FATAL_FAILURE(AwaitOutput("PASSED"));
  AwaitFile(results() + "/latest/tests/scripted.Scripted.Hangs/stdout.txt");
  EXPECT_TRUE(child_->Signal(SIGKILL).ok());
  EXPECT_EQ(Finish(), -1);
  Deadline deadline = Deadline::After(absl::Seconds(30));
  while (!FindTagged(OwnerTagPrefix())->empty() && !deadline.expired()) usleep(10'000);
  EXPECT_TRUE(FindTagged(OwnerTagPrefix())->empty());
  EXPECT_THAT(Latest().info.finished, IsEmpty());
  EXPECT_EQ(RecordOf("Passes").status, TestStatus::kPassed);
}

// The same with programs that start QEMUs.
class RunRealSuiteTest : public TandemRunTest {
 protected:
  void SetUp() override {
    std::string cache = CacheDirectory();  // what is known of the binaries
    TandemRunTest::SetUp();
    setenv("TANDEM_CACHE", cache.c_str(), 1);
  }
  void StartPrecopy() {
    Start({"--label", "precopy", "--filter", "*StoppedGuestMovesOverTcp/Pc"}, TANDEM_SUITES);
  }
  bool RunsQemu() {
    const std::vector<pid_t> pids = FindTagged(OwnerTagPrefix()).value();
    for (pid_t pid : pids) {
      if (ReadTextFile(fmt::format("/proc/{}/comm", pid)).starts_with("qemu-system")) return true;
    }
    return false;
  }
};

TEST_F(RunRealSuiteTest, TellsWhatTheTestMeasured) {
  ASSERT_NO_FATAL_FAILURE(StartPrecopy());
  EXPECT_EQ(Finish(), 0) << Output();
  RunRecord run = Latest();
  ASSERT_EQ(run.records.size(), 1u);
  const Json& line = run.records[0].line;
  EXPECT_EQ(line["test"].Text(), "Precopy/PrecopyTest.StoppedGuestMovesOverTcp/Pc");
  EXPECT_GT(line["measurements"]["total_time_ms"].Integer().value_or(0), 0);
  EXPECT_EQ(line["versions"]["source"].Text(), run.info.qemu["source"]);
  EXPECT_THAT(ReadTextFile(run.folder + "/report.html"), HasSubstr("StoppedGuestMovesOverTcp"));
}

// QEMUs carry the tag that their test gave them, below that of the runner.
TEST_F(RunRealSuiteTest, SigkillLeavesNoQemu) {
  ASSERT_NO_FATAL_FAILURE(StartPrecopy());
  Deadline deadline = Deadline::After(absl::Seconds(60));
  while (!RunsQemu() && child_->running() && !deadline.expired()) usleep(1000);
  ASSERT_TRUE(RunsQemu()) << Output();
  EXPECT_TRUE(child_->Signal(SIGKILL).ok());
  EXPECT_EQ(Finish(), -1);
  while (!FindTagged(OwnerTagPrefix())->empty() && !deadline.expired()) usleep(10'000);
}

}  // namespace
}  // namespace tandem
