// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/comparison.h"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TestRecord Passed(const std::string& id, const std::string& measurements) {
  return {.id = id,
          .status = TestStatus::kPassed,
          .seconds = 1,
          .line = *Json::Parse(R"({"measurements":)" + measurements + "}")};
}

// So many tests, each with this downtime, but for those in `others`.
RunRecord RunWith(int tests, double downtime, const std::map<int, double>& others = {}) {
  RunRecord run;
  for (int i = 0; i < tests; ++i) {
    double value = others.contains(i) ? others.at(i) : downtime;
    run.records.push_back(
        Passed("a.A.B" + std::to_string(i), R"({"downtime_ms":)" + std::to_string(value) + "}"));
  }
  return run;
}

MetricComparison Downtime(const RunRecord& run, const RunRecord& baseline) {
  return CompareRuns(run, &baseline)[0];
}

TEST(ComparisonTest, TakesAllOccurrencesOfWhatPassed) {
  RunRecord run;
  run.records.push_back(Passed("a", R"({"primary_pauses_ms":[3,1],"secondary_pauses_ms":[2]})"));
  run.records.push_back(run.records[0]);
  run.records.back().status = TestStatus::kFailed;
  auto metrics = CompareRuns(run, nullptr);
  EXPECT_THAT(metrics[0].values, IsEmpty());
  EXPECT_THAT(metrics[2].values, ElementsAre(1, 2, 3));
  EXPECT_THAT(metrics[4].values, ElementsAre(1000));
  EXPECT_EQ(metrics[2].trend, Trend::kNotCompared);
}

TEST(ComparisonTest, QuantilesLieBetweenTheValues) {
  EXPECT_EQ(Quantile({}, 0.5), 0);
  EXPECT_EQ(Quantile({7}, 0.9), 7);
  EXPECT_EQ(Quantile({1, 2, 3, 4}, 0.5), 2.5);
  EXPECT_EQ(Quantile({1, 2, 3, 4}, 1), 4);
}

TEST(ComparisonTest, FindsWhatBecameSlower) {
  MetricComparison slower = Downtime(RunWith(8, 130), RunWith(8, 100));
  EXPECT_EQ(slower.trend, Trend::kWorse);
  EXPECT_NEAR(slower.ratio, 1.3, 0.001);
  EXPECT_EQ(slower.compared, 8u);
  EXPECT_THAT(RegressionText({slower}), HasSubstr("Downtime: median of the ratios 1.30"));
  EXPECT_EQ(Downtime(RunWith(8, 100), RunWith(8, 130)).trend, Trend::kBetter);
}

// Neither a few outliers, nor small differences, nor few tests are a regression.
TEST(ComparisonTest, NoiseIsNoRegression) {
  RunRecord earlier = RunWith(8, 100);
  EXPECT_EQ(Downtime(RunWith(8, 100, {{0, 9000}, {1, 9000}}), earlier).trend,
            Trend::kNoClearChange);
  EXPECT_EQ(Downtime(RunWith(8, 115), earlier).trend, Trend::kNoClearChange);
  EXPECT_EQ(Downtime(RunWith(8, 130, {{0, 90}, {1, 90}, {2, 90}}), earlier).trend,
            Trend::kNoClearChange);
  EXPECT_EQ(Downtime(RunWith(4, 200), earlier).trend, Trend::kNotCompared);
  EXPECT_EQ(RegressionText(CompareRuns(RunWith(4, 200), &earlier)), "");
}

TEST(ComparisonTest, NamesSingleTestsWorstFirst) {
  RunRecord earlier = RunWith(8, 100, {{7, 1}});
  auto slower = Downtime(RunWith(8, 100, {{2, 250}, {5, 400}, {6, 190}, {7, 5}}), earlier).slower;
  ASSERT_EQ(slower.size(), 2u);
  EXPECT_EQ(slower[0].id, "a.A.B5");
  EXPECT_EQ(slower[1].id, "a.A.B2");
  EXPECT_EQ(slower[1].after, 250);
}

}  // namespace
}  // namespace tandem
