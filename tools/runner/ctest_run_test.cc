// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/ctest_run.h"

#include <gmock/gmock.h>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CtestRunTest : public ::testing::Test {
 protected:
  CtestRunTest() : scratch_(ScratchDirectory::Create().value()) {}

  // A test suite of ctest with these test cases, begun in the year 2026.
  absl::StatusOr<RunRecord> Read(const std::string& cases, const std::string& lines = "") {
    EXPECT_TRUE(
        WriteTextFile(scratch_->File("junit.xml"), R"(<testsuite name="x" hostname="h" time="12" )"
                                                   R"(timestamp="2026-11-21T16:00:00">)" +
                                                       cases + "</testsuite>")
            .ok());
    EXPECT_TRUE(WriteTextFile(scratch_->File("results.jsonl"), lines).ok());
    return ReadCtestRun(scratch_->File("junit.xml"), scratch_->path());
  }
  // The only record of what Read returned.
  TestRecord Only(const std::string& test_case, const std::string& lines = "") {
    auto run = Read(test_case, lines);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() && run->records.size() == 1 ? run->records[0] : TestRecord();
  }

  std::unique_ptr<ScratchDirectory> scratch_;
};

TEST_F(CtestRunTest, ReadsWhatCtestKnows) {
  auto run = Read(
      R"(<testcase name="unit.A.B" time="0.5" status="run"/>)"
      R"(<testcase name="a.skip" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>)"
      R"(<testcase name="a.gone" status="notrun"><skipped message="Unable to find executable"/></testcase>)"
      R"(<testcase name="a.off" status="disabled"/>)"
      R"(<testcase name="a.bad" status="fail"><failure message=""/><system-out>x &lt;&amp;&gt;</system-out></testcase>)");
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->records.size(), 5u);
  EXPECT_EQ(run->records[0].status, TestStatus::kPassed);
  EXPECT_EQ(run->records[0].family, "unit");
  EXPECT_EQ(run->records[0].seconds, 0.5);
  EXPECT_EQ(run->records[1].status, TestStatus::kSkipped);
  EXPECT_EQ(run->records[2].status, TestStatus::kNotRun);
  EXPECT_EQ(run->records[2].reason, "Unable to find executable");
  EXPECT_EQ(run->records[3].status, TestStatus::kSkipped);
  EXPECT_EQ(run->records[4].status, TestStatus::kFailed);
  EXPECT_EQ(run->records[4].reason, "x <&>");
  EXPECT_FALSE(run->records[4].fingerprint.empty());
  EXPECT_EQ(run->info.host["name"], "h");
  EXPECT_EQ(run->info.tests.size(), 5u);
}

TEST_F(CtestRunTest, AddsWhatTheTestsWrote) {
  TestRecord record = Only(
      R"(<testcase name="colo.C/D.E/F" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>)",
      R"({"test":"C/D.E/F","status":"SKIPPED","started":"2030-01-01T00:00:00Z","reason":"older"})"
      "\nno JSON\n"
      R"({"test":"C/D.E/F","status":"KNOWN_DEFECT","started":"2030-01-01T00:00:01.5Z",)"
      R"("reason":"newer","timeline":"/x/timeline.json","versions":{"source":"11.1"}})"
      "\n");
  EXPECT_EQ(record.status, TestStatus::kKnownDefect);
  EXPECT_EQ(record.reason, "newer");
  EXPECT_EQ(record.line["timeline"].Text(), "/x/timeline.json");
}

// A line of an earlier run, or one that says another end than ctest saw, is no proof of anything.
TEST_F(CtestRunTest, CtestsVerdictCounts) {
  const char* failed =
      R"(<testcase name="a.A.B" status="fail"><system-out>it crashed</system-out></testcase>)";
  EXPECT_EQ(Only(failed, R"({"test":"A.B","status":"PASSED","started":"2030-01-01T00:00:00Z"})"
                         "\n")
                .status,
            TestStatus::kFailed);
  TestRecord old = Only(failed, R"({"test":"A.B","status":"FAILED","reason":"long ago",)"
                                R"("started":"2020-01-01T00:00:00Z"})"
                                "\n");
  EXPECT_EQ(old.reason, "it crashed");
  EXPECT_EQ(old.line["status"].Text(), "");
}

TEST_F(CtestRunTest, ErrorsNameTheFile) {
  EXPECT_THAT(Message(ReadCtestRun("/no/such/file", "").status()), HasSubstr("/no/such/file"));
  EXPECT_THAT(Message(ReadCtestRun("/proc/self/status", "/no/such/folder").status()),
              HasSubstr("/no/such/folder"));
  EXPECT_THAT(Message(Read("<testcase").status()),
              AllOf(HasSubstr("junit.xml"), HasSubstr("ctest --output-junit")));
}

}  // namespace
}  // namespace tandem
