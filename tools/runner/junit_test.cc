// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/junit.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace)
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHostile =
    "a \x1b[31m<b> & \"c\"\x00 ]]> \xff \xEF\xBF\xBF\r\n\t\xF0\x9F\x90\xB3"sv;

class JunitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = ScratchDirectory::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    folder_ = std::move(*made);
    run_.folder = folder_->path();
    run_.info = {.started = "2026-01-02T03:04:05.678Z",
                 .command = {"tandem", "run", "--label=<x>"},
                 .host = {{"cpus", "2"}},
                 .qemu = {{"11.1", "11.1.3 (Debian)"}},
                 .seed = 7};
  }

  void Add(const std::string& id, TestStatus status, const std::string& reason = "",
           int64_t attempt = 1) {
    run_.records.push_back({.id = id,
                            .family = id.substr(0, id.find('.')),
                            .attempt = attempt,
                            .status = status,
                            .reason = reason,
                            .seconds = 0.25});
  }

  // Gives the last record a folder with these outputs.
  void AddOutputs(const std::string& out, const std::string& err) {
    std::string output = "tests/" + std::to_string(run_.records.size());
    run_.records.back().output = output;
    std::string folder = run_.folder + "/" + output;
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(WriteTextFile(folder + "/stdout.txt", out).ok());
    ASSERT_TRUE(WriteTextFile(folder + "/stderr.txt", err).ok());
  }

  std::string Xml() const { return JunitXml(run_); }

  // What xmllint has to say of a file against the schema; "" when it is valid.
  std::string Validate() {
    EXPECT_TRUE(WriteJunit(run_).ok());
    std::string errors = run_.folder + "/errors.txt";
    std::string command = "xmllint --noout --nonet --schema '" TANDEM_JUNIT_SCHEMA "' '" +
                          run_.folder + "/junit.xml' 2>'" + errors + "'";
    int status = std::system(command.c_str());
    return status == 0 ? "" : ReadTextFile(errors);
  }
  static bool HasXmllint() {
    int status = std::system("xmllint --version >/dev/null 2>&1");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  RunRecord run_;

 private:
  std::unique_ptr<ScratchDirectory> folder_;
};

TEST_F(JunitTest, NamesEachStatusAsEnginesDo) {
  Add("precopy.P.Passes/Pc", TestStatus::kPassed);
  Add("precopy.P.Fails", TestStatus::kFailed, "a_test.cc:1\nis <wrong>");
  Add("colo.Colo/C.Hangs/Pc", TestStatus::kTimedOut, "too slow");
  Add("colo.Colo/C.Crashes/Pc", TestStatus::kCrashed, "signal 11 (SIGSEGV)");
  Add("colo.Colo/C.Skips/Pc", TestStatus::kSkipped, "no such capability");
  Add("colo.Colo/C.Meets/Pc", TestStatus::kKnownDefect, "known defect x: y");
  EXPECT_THAT(
      Xml(),
      AllOf(
          HasSubstr(R"(<testsuites name="tandem" tests="6" failures="1" errors="2" time="1.500">)"),
          HasSubstr(R"(<testsuite name="colo" tests="4" failures="0" errors="2" skipped="2" )"
                    R"(time="1.000" timestamp="2026-01-02T03:04:05">)"),
          HasSubstr(R"(<testcase name="Passes/Pc" classname="precopy.P" time="0.250" />)"),
          HasSubstr("<failure message=\"a_test.cc:1&#10;is &lt;wrong>\" type=\"FAILED\">"),
          HasSubstr(R"(<testcase name="Hangs/Pc" classname="colo.Colo/C" time="0.250">)"),
          HasSubstr(R"(<error message="too slow" type="TIMED_OUT">)"),
          HasSubstr(R"x(<error message="signal 11 (SIGSEGV)" type="CRASHED">)x"),
          HasSubstr(R"(<skipped message="no such capability" type="SKIPPED" />)"),
          HasSubstr(R"(<skipped message="known defect x: y" type="KNOWN_DEFECT" />)")));
}

// A run that was ended tells of the tests that it did not come to.
TEST_F(JunitTest, TestsWithoutARecordAreErrors) {
  run_.info.tests = {"precopy.P.Ran", "precopy.P.Never", "7.2:11.1/colo.C.N", "d/a.b.test"};
  run_.info.interrupted = "SIGINT";
  Add("precopy.P.Ran", TestStatus::kPassed);
  EXPECT_THAT(Xml(), AllOf(HasSubstr(R"(tests="4" failures="0" errors="3")"),
                           HasSubstr(R"(name="Never" classname="precopy.P")"),
                           HasSubstr(R"(name="N" classname="7.2:11.1/colo.C")"),
                           HasSubstr(R"(name="d/a.b.test" classname="testcase")"),
                           HasSubstr("the run ended before this test: SIGINT")));
}

TEST_F(JunitTest, AttemptsAndPairsHaveNamesOfTheirOwn) {
  Add("precopy.P.T", TestStatus::kFailed, "r");
  Add("precopy.P.T", TestStatus::kPassed, "", 2);
  run_.records.push_back({.id = "7.2:11.1/precopy.P.T",
                          .family = "precopy",
                          .pair = "7.2:11.1",
                          .status = TestStatus::kPassed});
  run_.records.push_back({.id = "dir/a.test", .family = "testcase", .status = TestStatus::kPassed});
  EXPECT_THAT(Xml(), AllOf(HasSubstr(R"x(name="T (attempt 2)" classname="precopy.P")x"),
                           HasSubstr(R"(name="T" classname="7.2:11.1/precopy.P")"),
                           HasSubstr(R"(<testsuite name="7.2:11.1/precopy" tests="1")"),
                           HasSubstr(R"(name="dir/a.test" classname="testcase")")));
}

// The end of an output is where it failed; of what passed there is nothing to be read.
TEST_F(JunitTest, OutputsOfFailuresAreLimited) {
  Add("a.A.Fails", TestStatus::kFailed, std::string(1'000'000, 'r'));
  AddOutputs(std::string(8'000'000, 'o') + "\nthe end", "an error");
  Add("a.A.Passes", TestStatus::kPassed);
  AddOutputs("of a test that passed", "");
  std::string xml = Xml();
  EXPECT_LT(xml.size(), 60'000u);
  EXPECT_THAT(xml, AllOf(HasSubstr("the end</system-out>"), HasSubstr("bytes left out"),
                         HasSubstr("<system-err>an error</system-err>"),
                         HasSubstr("evidence: tests/1"), Not(HasSubstr("of a test that passed"))));
}

TEST_F(JunitTest, IsValidWhateverTestsSay) {
  if (!HasXmllint()) GTEST_SKIP() << "there is no xmllint here (libxml2-utils)";
  EXPECT_EQ(Validate(), "") << "of no tests";
  std::string hostile(kHostile);
  for (TestStatus status :
       {TestStatus::kFailed, TestStatus::kTimedOut, TestStatus::kCrashed, TestStatus::kNotRun,
        TestStatus::kSkipped, TestStatus::kKnownDefect, TestStatus::kPassed}) {
    Add("a.A.B" + std::to_string(static_cast<int>(status)) + hostile, status, hostile);
    AddOutputs(hostile, std::string(100'000, '\n') + hostile);
  }
  Add("a.A.NoReason", TestStatus::kFailed);
  run_.info.host["kernel"] = hostile;
  run_.info.tests = {"b.never"};
  EXPECT_EQ(Validate(), "");
}

// The schema finds what it is there for.
TEST_F(JunitTest, TheSchemaRefusesTwoCasesOfOneName) {
  if (!HasXmllint()) GTEST_SKIP() << "there is no xmllint here (libxml2-utils)";
  Add("a.A.B", TestStatus::kPassed);
  Add("a.A.B", TestStatus::kPassed);
  EXPECT_THAT(Validate(), HasSubstr("Duplicate key-sequence ['a.A', 'B']"));
  run_.records.pop_back();
  run_.info.started = "yesterday, or before that";
  EXPECT_THAT(Validate(), HasSubstr("timestamp"));
}

TEST(XmlCharactersTest, LeavesOutWhatXmlCannotHold) {
  EXPECT_EQ(XmlCharacters(std::string_view("a\0\x01\x1b\n\t\r\x7f", 8)), "a\n\t\r\x7f");
  EXPECT_EQ(XmlCharacters("\xEF\xBF\xBE|\xEF\xBF\xBF|\xEF\xBF\xBD|\xEF\xBC\xBF"),
            "||\xEF\xBF\xBD|\xEF\xBC\xBF");
  EXPECT_EQ(XmlCharacters("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // half of a surrogate pair
}

}  // namespace
}  // namespace tandem
