// SPDX-License-Identifier: Apache-2.0
#include "bench/phase_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/samples.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Line(const std::string& test, const std::string& status, double seconds,
                 const std::string& phases) {
  return fmt::format(
      R"({{"schema":3,"test":"{}","status":"{}","seconds":{},"phases":{{{}}},)"
      R"("versions":{{"primary":"11.1.3","secondary":"10.0.13"}},"accelerator":"tcg"}})"
      "\n",
      test, status, seconds, phases);
}

const std::string kTwoTests =
    Line("Colo.T/Pc", "PASSED", 2.0, R"("teardown":0.5,"boot":0.25,"colo_start":1.0)") +
    Line("Pre.T/Pc", "passed", 0.5, R"("boot":0.125,"zeal":0.25)") +
    Line("Colo.T/Pc", "PASSED", 4.0, R"("boot":0.5,"colo_start":3.0,"teardown":0.5)") +
    Line("Colo.T/Pc", "PASSED", 3.0, R"("boot":0.75,"colo_start":2.0)");

TEST(PhaseTableTest, ShowsMediansByPhaseInTheOrderOfATest) {
  absl::StatusOr<std::vector<TestRuns>> tests = ReadRuns(kTwoTests, 1);
  ASSERT_TRUE(tests.ok()) << tests.status();
  EXPECT_EQ(FormatPhaseTable(*tests),
            R"(Colo.T/Pc
3 runs on QEMU 10.0.13, 11.1.3 (tcg)
  ms                median       min       max
  boot               500.0     250.0     750.0
  colo_start        2000.0    1000.0    3000.0
  teardown           500.0       0.0     500.0
  other              250.0       0.0     250.0
  whole test        3000.0    2000.0    4000.0

Pre.T/Pc
1 run on QEMU 10.0.13, 11.1.3 (tcg)
  ms                median       min       max
  boot               125.0     125.0     125.0
  zeal               250.0     250.0     250.0
  other              125.0     125.0     125.0
  whole test         500.0     500.0     500.0
)");
}

TEST(PhaseTableTest, KeepsEveryFigure) {
  absl::StatusOr<std::vector<TestRuns>> tests = ReadRuns(kTwoTests, 1);
  ASSERT_TRUE(tests.ok()) << tests.status();
  Json figures = RunsToJson(*tests);
  EXPECT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[size_t{0}].Dump(),
            R"({"test":"Colo.T/Pc","qemu":"10.0.13, 11.1.3","accelerator":"tcg",)"
            R"("seconds":[2.0,4.0,3.0],"phases":{"boot":[0.25,0.5,0.75],)"
            R"("colo_start":[1.0,3.0,2.0],"other":[0.25,0.0,0.25],"teardown":[0.5,0.5,0.0]}})");
}

TEST(PhaseTableTest, APhaseThatComesLaterIsZeroBefore) {
  absl::StatusOr<std::vector<TestRuns>> tests = ReadRuns(
      Line("T.T", "passed", 1, R"("boot":1)") + Line("T.T", "passed", 3, R"("verify":2)"), 1);
  ASSERT_TRUE(tests.ok()) << tests.status();
  EXPECT_THAT(tests->front().phases.at("verify"), ElementsAre(0, 2));
  EXPECT_THAT(tests->front().phases.at("boot"), ElementsAre(1, 0));
  EXPECT_THAT(tests->front().phases.at("other"), ElementsAre(0, 1));
}

TEST(PhaseTableTest, PassesOverALineThatWasCutOff) {
  std::string cut = Line("T.T", "passed", 1, "").substr(0, 40) + "\n";
  EXPECT_TRUE(ReadRuns(cut + Line("T.T", "passed", 1, ""), 1).ok());
}

struct WrongInput {
  std::string lines;
  size_t minimum_runs;
  std::string message;
};

class PhaseTableErrorTest : public ::testing::TestWithParam<WrongInput> {};

TEST_P(PhaseTableErrorTest, IsNamed) {
  absl::StatusOr<std::vector<TestRuns>> tests = ReadRuns(GetParam().lines, GetParam().minimum_runs);
  EXPECT_EQ(tests.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(tests.status()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    PhaseTable, PhaseTableErrorTest,
    ::testing::Values(
        WrongInput{"", 1, "there is no result of any test"},
        WrongInput{"no JSON at all\n", 1, "there is no result of any test"},
        WrongInput{Line("T.T", "FAILED", 1, ""), 1, "T.T did not pass (FAILED)"},
        WrongInput{Line("T.T", "skipped", 1, ""), 1, "T.T did not pass (skipped)"},
        WrongInput{Line("T.T", "KNOWN_DEFECT", 1, ""), 1, "T.T did not pass (KNOWN_DEFECT)"},
        WrongInput{R"({"test":"T.T","status":"failed","seconds":1,"reason":"a.cc:1"})", 1,
                   "T.T did not pass (failed: a.cc:1)"},
        WrongInput{R"({"test":"T.T","status":"passed"})", 1, "no seconds"},
        WrongInput{R"({"status":"passed","seconds":1})", 1, "no test"},
        WrongInput{"[1]\n", 1, "no test"},
        WrongInput{kTwoTests, 2, "Pre.T/Pc has 1 results where 2 runs were wanted"}),
    [](const auto& test) { return fmt::format("Case{}", test.index); });

TEST(SamplesTest, MedianIsTheMiddle) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({7}), 7);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({9, 1, 5, 6}), 5.5);
}

TEST(SamplesTest, PercentileIsAMeasuredValue) {
  std::vector<double> hundred;
  for (int i = 100; i >= 1; --i) hundred.push_back(i);
  EXPECT_EQ(Percentile({}, 99), 0);
  EXPECT_EQ(Percentile({3}, 99), 3);
  EXPECT_EQ(Percentile(hundred, 99), 99);
  EXPECT_EQ(Percentile(hundred, 100), 100);
  EXPECT_EQ(Percentile(hundred, 0), 1);
}

// The longest test first, with its longest phase first; what did not pass has no time.
TEST(PhaseTableTest, ListsTheSlowest) {
  absl::StatusOr<std::vector<TestRuns>> tests = ReadPassedRuns(
      R"({"test":"A.Fast","status":"PASSED","seconds":0.5,"phases":{"boot":0.5}}
{"test":"A.Slow","status":"PASSED","seconds":3,"phases":{"boot":0.5,"migrate":2.25}}
{"test":"A.Failed","status":"FAILED","seconds":9}
{"test":"A.Middle","status":"PASSED","seconds":1}
)");
  ASSERT_TRUE(tests.ok()) << tests.status();
  EXPECT_EQ(FormatSlowest(*tests, 2),
            "   3.00 s  A.Slow\n           migrate 2.25 boot 0.50 other 0.25\n"
            "   1.00 s  A.Middle\n           other 1.00\n"
            "   4.50 s  all 3 tests, one after the other\n");
  EXPECT_FALSE(ReadPassedRuns(R"({"test":"A.Failed","status":"FAILED","seconds":9})").ok());
}

}  // namespace
}  // namespace tandem
