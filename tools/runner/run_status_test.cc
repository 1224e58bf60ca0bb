// SPDX-License-Identifier: Apache-2.0
// What `tandem run` makes of tests that end in every way, and what it leaves of them.
#include <filesystem>

#include "tools/runner/testing/tandem_run.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// One test by its name, its status, the exit code of the run, and words of its reason.
struct EndCase {
  const char* test;
  TestStatus status;
  int code;
  const char* reason;
};

void PrintTo(const EndCase& end, std::ostream* stream) { *stream << end.test; }

class RunStatusTest : public TandemRunTest, public ::testing::WithParamInterface<EndCase> {};

TEST_P(RunStatusTest, IsTheTests) {
  const EndCase& expected = GetParam();
  std::string filter = std::string("Scripted.") + expected.test;
  EXPECT_EQ(Run({"--filter", filter, "--timeout", "1", "--grace", "0"}), expected.code) << Output();
  RunRecord run = Latest();
  ASSERT_EQ(run.records.size(), 1u);
  const TestRecord& record = run.records[0];
  EXPECT_EQ(StatusName(record.status), StatusName(expected.status));
  EXPECT_THAT(record.reason, HasSubstr(expected.reason));
  EXPECT_EQ(record.reason.empty(), record.status == TestStatus::kPassed);
  EXPECT_EQ(record.fingerprint.empty(), record.reason.empty());
  EXPECT_EQ(record.line["test"].Text(), filter);
  EXPECT_TRUE(std::filesystem::exists(run.folder + "/" + record.output + "/stdout.txt"));
  EXPECT_THAT(Output(), HasSubstr(std::string(StatusName(expected.status))));
  EXPECT_THAT(run.info.finished, Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(
    All, RunStatusTest,
    ::testing::Values(EndCase{"Passes", TestStatus::kPassed, 0, ""},
                      EndCase{"Fails", TestStatus::kFailed, 1, "expected 1, got 2"},
                      EndCase{"Skips", TestStatus::kSkipped, 77, "QEMU 7.2 has no such thing"},
                      EndCase{"KnownDefect", TestStatus::kKnownDefect, 77, "known defect x"},
                      EndCase{"Hangs", TestStatus::kTimedOut, 1, "did not end within 1.00 s"},
                      EndCase{"HangsStubbornly", TestStatus::kTimedOut, 1,
                              "did not end within 1.00 s"},
                      EndCase{"Daemon", TestStatus::kPassed, 0, ""},
                      EndCase{"DiesWithDaemon", TestStatus::kCrashed, 1, "signal 9 (SIGKILL)"},
                      EndCase{"Segfaults", TestStatus::kCrashed, 1, "signal 11 (SIGSEGV)"},
                      EndCase{"Aborts", TestStatus::kCrashed, 1, "signal 6 (SIGABRT)"},
                      EndCase{"Lies", TestStatus::kFailed, 1, "exit code 0, but wrote no result"},
                      EndCase{"Contradicts", TestStatus::kFailed, 1,
                              "is PASSED, but the program ended with exit code 3"},
                      EndCase{"Garbage", TestStatus::kPassed, 0, ""},
                      EndCase{"Refuses", TestStatus::kNotRun, 1, "TANDEM_KEEP=x is not always"},
                      EndCase{"Chatters", TestStatus::kPassed, 0, ""}),
    [](const auto& tested) { return tested.param.test; });

// Other tests are not taken along by those that crash, hang or talk without end.
TEST_F(TandemRunTest, OneProcessPerTest) {
  EXPECT_EQ(Run({"--timeout", "2", "--grace", "0", "--print", "failed=status", "--print",
                 "timed-out=status", "--filter",
                 "*-*SeesNobody:*FillsReport:*BlocksResults:*RemovesRun"}),
            1);
  RunRecord run = Latest();
  EXPECT_EQ(run.records.size(), run.info.tests.size());
  EXPECT_EQ(RecordOf("Passes").status, TestStatus::kPassed);
  EXPECT_THAT(Output(), HasSubstr("3 crashed"));
}

// While the run goes on: at its end, its guardian would have cleaned up.
TEST_F(TandemRunTest, NoProcessOutlivesItsTest) {
  for (const char* test : {"Daemon", "DiesWithDaemon", "Hangs"}) {
    std::filesystem::remove(scratch_->File("daemons"));
    Run({"--filter", std::string("*.SeesNobody:*.") + test, "--jobs", "1", "--timeout", "1",
         "--grace", "0"});
    EXPECT_EQ(Latest().records.at(0).id, std::string("scripted.Scripted.") + test);
    EXPECT_EQ(RecordOf("SeesNobody").status, TestStatus::kPassed) << test;
    std::filesystem::remove_all(scratch_->File("cache/test-times.json"));  // it decides the order
  }
}

// What a test writes lies in its own folder; the record says where, relative to the run.
TEST_F(TandemRunTest, EvidenceIsInTheTestsFolder) {
  EXPECT_EQ(Run({"--filter", "*Writes", "--timeout", "7", "--seed", "12"}), 0);
  TestRecord record = RecordOf("Writes");
  EXPECT_EQ(record.output, "tests/scripted.Scripted.Writes");
  EXPECT_EQ(record.line["artifacts"].Text(), "tests/scripted.Scripted.Writes/evidence");
  EXPECT_EQ(record.line["downtime_ms"].Integer(), 5);
  std::string folder = results() + "/latest/" + record.output;
  EXPECT_THAT(ReadTextFile(folder + "/evidence/environment"),
              AllOf(HasSubstr("\nTANDEM_TIMEOUT=7\n"), HasSubstr("GTEST_RANDOM_SEED=12\n")));
  EXPECT_FALSE(std::filesystem::exists(folder + "/results.jsonl")) << "told twice";
}

// Of a test that hangs there are the stacks of its whole tree.
TEST_F(TandemRunTest, AHangLeavesStacks) {
  EXPECT_EQ(Run({"--filter", "*.Hangs", "--timeout", "1", "--grace", "0"}), 1);
  EXPECT_THAT(
      ReadTextFile(results() + "/latest/tests/scripted.Scripted.Hangs/stacks.txt"),
      AllOf(HasSubstr("scripted_test --gtest_filter=Scripted.Hangs"), HasSubstr("sleep 600")));
}

// A test that prints without end fills no disk.
TEST_F(TandemRunTest, OutputHasALimit) {
  EXPECT_EQ(Run({"--filter", "*Floods", "--output-limit", "1", "--print", "failed=status"}), 1);
  EXPECT_THAT(RecordOf("Floods").reason, HasSubstr("wrote more than 1 MiB to stdout.txt"));
  EXPECT_EQ(RecordOf("Floods").status, TestStatus::kFailed);
}

// All ten megabytes are kept, but not shown.
TEST_F(TandemRunTest, LongOutputIsKept) {
  EXPECT_EQ(Run({"--filter", "*Chatters", "--print", "passed=full"}), 0);
  EXPECT_EQ(
      std::filesystem::file_size(results() + "/latest/tests/scripted.Scripted.Chatters/stdout.txt"),
      10'000'000u);
  EXPECT_LT(Output().size(), 100'000u);
  EXPECT_THAT(Output(), HasSubstr("bytes are left out, see "));
}

TEST_F(TandemRunTest, PrintsWhatItIsAskedFor) {
  EXPECT_EQ(Run({"--filter", "*.Fails"}), 1);
  EXPECT_THAT(Output(), AllOf(HasSubstr("on stdout"), HasSubstr("on stderr")));
  EXPECT_EQ(Run({"--filter", "*.Fails", "--print", "failed=stderr"}), 1);
  EXPECT_THAT(Output(), AllOf(Not(HasSubstr("on stdout")), HasSubstr("on stderr")));
  EXPECT_EQ(Run({"--filter", "*.Passes:*.Skips", "--print=passed=off", "--print=skipped=off"}), 0);
  EXPECT_THAT(Output(), AllOf(Not(HasSubstr("Scripted.")), HasSubstr("1 passed, 1 skipped")));
  EXPECT_THAT(Output(), Not(HasSubstr("\x1b"))) << "this is no terminal";
}

// A retry is never silent.
TEST_F(TandemRunTest, PassedAtTheSecondTryIsFlaky) {
  EXPECT_EQ(Run({"--filter", "*SecondTime", "--retries", "2"}), 1);
  EXPECT_THAT(Output(),
              AllOf(HasSubstr("FLAKY"), HasSubstr("failed 1 of 2 times"), HasSubstr("1 flaky")));
  RunRecord run = Latest();
  ASSERT_EQ(run.records.size(), 2u);
  EXPECT_EQ(run.records[0].output, "tests/scripted.Scripted.PassesSecondTime");
  EXPECT_EQ(run.records[1].output, "tests/scripted.Scripted.PassesSecondTime~2");
  EXPECT_EQ(run.records[1].attempt, 2);
  std::filesystem::remove(scratch_->File("second"));
  EXPECT_EQ(Run({"--filter", "*SecondTime", "--retries", "1", "--allow-flaky"}), 0);
  EXPECT_EQ(Run({"--filter", "*.Fails", "--retries", "1", "--allow-flaky"}), 1);
}

// Each failure counts, by its reason and not by its pid.
TEST_F(TandemRunTest, RepeatTellsHowOftenItFailed) {
  EXPECT_EQ(Run({"--filter", "*FailsSometimes", "--repeat", "3", "--jobs", "1"}), 1);
  EXPECT_EQ(Latest().records.size(), 3u);
  EXPECT_THAT(Output(), HasSubstr("1 of 3"));
  EXPECT_EQ(Run({"--filter", "*.Fails", "--repeat", "3"}), 1);
  EXPECT_THAT(Output(), HasSubstr("3 of 3"));
}

// What failed at one draw is tried again by the same; what is repeated draws anew.
TEST_F(TandemRunTest, RepetitionsHaveSeedsOfTheirOwn) {
  auto seed_in = [&](const std::string& folder) {
    return ReadTextFile(results() + "/latest/tests/scripted.Scripted." + folder + "/stdout.txt");
  };
  EXPECT_EQ(Run({"--filter", "*TellsSeed", "--repeat", "2", "--seed", "99999", "--jobs", "1"}), 1);
  EXPECT_EQ(seed_in("TellsSeed"), "99999\n");
  EXPECT_EQ(seed_in("TellsSeed~2"), "1\n");
  EXPECT_EQ(Run({"--filter", "*TellsSeed", "--retries", "1", "--seed", "7"}), 1);
  EXPECT_EQ(seed_in("TellsSeed~2"), "7\n");
  EXPECT_EQ(Run({"--filter", "*TellsSeed"}), 1);
  EXPECT_EQ(seed_in("TellsSeed"), "none\n");
}

TEST_F(TandemRunTest, UntilFailEndsAtTheFirstFailure) {
  EXPECT_EQ(Run({"--filter", "*FailsSometimes", "--until-fail", "--jobs", "1"}), 1);
  EXPECT_EQ(Latest().records.size(), 2u);
  EXPECT_EQ(Run({"--filter", "*.Passes", "--until-fail", "--repeat", "4"}), 0);
  EXPECT_EQ(Latest().records.size(), 4u);
}

}  // namespace
}  // namespace tandem
