// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/matrix_table.h"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;

TestRecord Record(const std::string& pair, const std::string& test, TestStatus status,
                  const std::string& reason = "", int attempt = 1) {
  return {.id = pair + "/" + test,
          .pair = pair,
          .attempt = attempt,
          .status = status,
          .reason = reason};
}

const std::vector<TestRecord> kRecords = {
    Record("7.2:7.2", "precopy.A", TestStatus::kPassed),
    Record("7.2:7.2", "colo.A", TestStatus::kKnownDefect, "known defect x"),
    Record("7.2:11.1", "precopy.A", TestStatus::kFailed,
           "precopy_test.cc:7\nMigrate()\n  INTERNAL: it | broke\nmore"),
    Record("7.2:11.1", "precopy.A", TestStatus::kPassed, "", 2),
    Record("7.2:11.1", "precopy.B", TestStatus::kPassed),
    Record("11.1:7.2", "colo.A", TestStatus::kKnownDefect, "known defect x"),
    Record("11.1:7.2", "colo.B", TestStatus::kKnownDefect, "known defect x"),
    Record("11.1:7.2", "colo.C", TestStatus::kKnownDefect, "known defect x"),
    Record("11.1:7.2", "colo.D", TestStatus::kKnownDefect, "known defect x"),
    Record("", "not.of.a.matrix", TestStatus::kFailed, "elsewhere")};

// A cell counts each test once, by its worst attempt.
TEST(MatrixTableTest, CountsTestsOfPairs) {
  MatrixTable table = MakeMatrixTable(kRecords, {"7.2", "11.1"});
  auto text = [&](const char* source, const char* destination) {
    return table.cells[{source, destination}].Text();
  };
  EXPECT_EQ(text("7.2", "7.2"), "1 known, 1 passed");
  EXPECT_EQ(text("7.2", "11.1"), "1 failed, 1 passed");
  EXPECT_EQ(text("11.1", "7.2"), "4 known");
  EXPECT_EQ(text("11.1", "11.1"), "–");
  MatrixCell cell = table.cells[{"7.2", "11.1"}];
  EXPECT_EQ(cell.verdict(), TestStatus::kFailed);
}

// The order is that of the command line, and of merged runs, too.
TEST(MatrixTableTest, NamesComeFromTheTests) {
  RunRecord run{.records = kRecords};
  run.info.tests = {"7.2:7.2/precopy.A", "7.2:11.1/precopy.A", "not.of.a/matrix"};
  EXPECT_THAT(MatrixNames(run), ElementsAre("7.2", "11.1"));
  run.records.clear();
  EXPECT_THAT(MatrixNames(run), ElementsAre());
}

// Failures stand before known defects, each reason once.
TEST(MatrixTableTest, RendersAlignedMarkdown) {
  EXPECT_EQ(RenderMatrix(MakeMatrixTable(kRecords, {"7.2", "11.1"})),
            "| source ↓ destination → | 7.2               | 11.1               |\n"
            "|------------------------|-------------------|--------------------|\n"
            "| 7.2                    | 1 known, 1 passed | 1 failed, 1 passed |\n"
            "| 11.1                   | 4 known           | –                  |\n"
            "\n"
            "- 1 failed: INTERNAL: it | broke\n"
            "  7.2 → 11.1\n"
            "  precopy.A\n"
            "- 5 known: known defect x\n"
            "  7.2 → 7.2, 11.1 → 7.2\n"
            "  colo.A, colo.B, colo.C and 1 more\n");
}

}  // namespace
}  // namespace tandem
