// SPDX-License-Identifier: Apache-2.0
// `tandem run` with testcase files, of executables that are not ours.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <set>

#include "tools/runner/testing/tandem_run.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

class TestcasesRunTest : public TandemRunTest {
 protected:
  std::string Add(const std::string& name, const std::string& text) {
    std::filesystem::path path = scratch_->File("cases/" + name);
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(WriteTextFile(path, text).ok());
    return path;
  }
  std::string cases() const { return scratch_->File("cases"); }
  // Only testcases, unlike Run().
  int RunCases(const std::vector<std::string>& arguments) {
    Start(arguments, "");
    return Finish();
  }
  // By the file's name.
  std::map<std::string, TestStatus> Statuses() const {
    std::map<std::string, TestStatus> statuses;
    for (const TestRecord& record : Latest().records) {
      statuses[std::filesystem::path(record.id).filename()] = record.status;
    }
    return statuses;
  }
};

TEST_F(TestcasesRunTest, TheExitCodeSaysWhatBecameOfIt) {
  Add("good.test", "true\n");
  Add("deep/skips.test", "sh -c 'exit 4'  # as the kernel's selftests do\n");
  Add("fails.test", "sh -c 'echo why >&2; exit 1'");
  Add("fails77.test", "sh -c 'exit 77'");
  Add("crashes.test", "sh -c 'kill -SEGV $$'");
  EXPECT_EQ(RunCases({"--dirs", cases()}), 1);
  EXPECT_THAT(Statuses(), ElementsAre(Pair("crashes.test", TestStatus::kCrashed),
                                      Pair("fails.test", TestStatus::kFailed),
                                      Pair("fails77.test", TestStatus::kFailed),
                                      Pair("good.test", TestStatus::kPassed),
                                      Pair("skips.test", TestStatus::kSkipped)));
  EXPECT_THAT(Output(), AllOf(HasSubstr("why"), HasSubstr("SIGSEGV")));
}

TEST_F(TestcasesRunTest, AHangingOneIsKilled) {
  Add("hangs.test", "sh -c \"trap '' TERM; sleep 600 & while :; do wait; done\"");
  EXPECT_EQ(RunCases({"--dirs", cases(), "--timeout", "1"}), 1);
  EXPECT_THAT(Statuses(), ElementsAre(Pair("hangs.test", TestStatus::kTimedOut)));
}

TEST_F(TestcasesRunTest, AMissingExecutableIsNotRun) {
  std::string good = Add("good.test", "true"), absent = Add("absent.test", "x86/nowhere 1");
  EXPECT_EQ(RunCases({"--testcases", good, "--testcases", absent, "--path", folder()}), 1);
  EXPECT_THAT(Statuses(), ElementsAre(Pair("absent.test", TestStatus::kNotRun),
                                      Pair("good.test", TestStatus::kPassed)));
  EXPECT_THAT(Output(), HasSubstr(folder() + "/x86/nowhere"));
}

TEST_F(TestcasesRunTest, ABadFileIsNamedBeforeAnythingRuns) {
  Add("good.test", "true");
  std::string bad = Add("bad.test", "sh -c 'exit");
  EXPECT_EQ(RunCases({"--dirs", cases()}), 2);
  EXPECT_THAT(Output(), HasSubstr(bad + ":1: the quote ' does not end"));
  EXPECT_FALSE(std::filesystem::exists(results() + "/latest"));
}

// These two have the same name for a folder.
TEST_F(TestcasesRunTest, OutputsAreKeptApart) {
  Add("a/b.test", "echo one");
  Add("a.b.test", "echo two");
  EXPECT_EQ(RunCases({"--dirs", cases()}), 0);
  std::vector<TestRecord> records = Latest().records;
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_NE(records[0].output, records[1].output);
  for (const TestRecord& record : records) {
    std::string expected = record.id.ends_with("/a/b.test") ? "one\n" : "two\n";
    EXPECT_EQ(ReadTextFile(Latest().folder + "/" + record.output + "/stdout.txt"), expected);
  }
}

// But for the time and the places, which differ from run to run, and what is named by the file.
Json Comparable(const TestRecord& record) {
  static const std::set<std::string> differs = {"id",     "family",       "seconds", "started",
                                                "phases", "measurements", "output",  "timeline"};
  auto all = record.line.members();  // their names are views
  std::vector<Json::Member> members;
  for (const auto& [name, value] : all) {
    bool is_kept = !differs.contains(name);
    members.emplace_back(name, is_kept ? value : Json(!value.Dump().empty()));
  }
  return Json::Object(members);
}

// A file for each of our own tests, as an installation has them; they tell as much as in any run.
TEST_F(TestcasesRunTest, OurOwnTestsAreTestcasesToo) {
  ASSERT_EQ(RunTandem({"testcases", "--programs", "suites", "--output", cases()}), 0) << Output();
  std::string prefix = cases() + "/default/precopy/Precopy.PrecopyTest.StoppedGuestMovesOverTcp.";
  std::string build = std::filesystem::path(TANDEM_PROGRAM).parent_path() / "../..";
  setenv("QTEST_QEMU_MACHINE_TYPE", "q35", 1);
  int code = RunCases({"--testcases", prefix + "Pc.test", prefix + "Q35.test", "--path", build});
  unsetenv("QTEST_QEMU_MACHINE_TYPE");
  EXPECT_EQ(code, 0) << Output();
  using enum TestStatus;
  EXPECT_THAT(Statuses(), ElementsAre(Pair(HasSubstr("Pc.test"), kSkipped),
                                      Pair(HasSubstr("Q35.test"), kPassed)));
}

TEST_F(TestcasesRunTest, OurOwnTellAsMuchAsInAnyRun) {
  ASSERT_EQ(RunTandem({"testcases", "--programs", "suites", "--output", cases()}), 0) << Output();
  std::string file = "/default/precopy/Precopy.PrecopyTest.StoppedGuestMovesOverTcp.Pc.test";
  std::string build = std::filesystem::path(TANDEM_PROGRAM).parent_path() / "../..";
  ASSERT_EQ(RunCases({"--testcases", cases() + file, "--path", build}), 0) << Output();
  RunRecord by_file = Latest();
  Start({"--filter", "precopy.*StoppedGuestMovesOverTcp/Pc"}, TANDEM_SUITES);
  ASSERT_EQ(Finish(), 0) << Output();
  RunRecord by_suite = Latest();
  ASSERT_THAT(by_file.records, SizeIs(1));
  ASSERT_THAT(by_suite.records, SizeIs(1));
  EXPECT_EQ(Comparable(by_file.records[0]).Dump(), Comparable(by_suite.records[0]).Dump());
  EXPECT_EQ(by_file.info.qemu, by_suite.info.qemu);
  EXPECT_FALSE(by_file.info.qemu.empty());
  for (const char* member : {"phases", "measurements", "versions", "machine_type", "accelerator"}) {
    EXPECT_TRUE(by_file.records[0].line.Has(member)) << member;
  }
}

TEST_F(TestcasesRunTest, SuitesRunBesideThemWhenNamed) {
  Add("good.test", "true");
  EXPECT_EQ(Run({"--dirs", cases(), "--filter", "*Scripted.Passes", "--filter", "*good.test"}), 0);
  EXPECT_THAT(Latest().records, SizeIs(2));
}

}  // namespace
}  // namespace tandem
