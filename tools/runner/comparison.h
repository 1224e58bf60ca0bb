// SPDX-License-Identifier: Apache-2.0
// How long things took over the tests of a run, and whether an earlier run was faster.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tools/runner/run_record.h"

namespace tandem {

// The rule, for people.
inline constexpr std::string_view kRegressionRule =
    "A test's value is the median over all occurrences in its passed attempts. A measurement is a "
    "regression when at least 5 tests are in both runs, at least three quarters of them became "
    "slower, and the median of their ratios is 1.2 or more. Single tests are named when they took "
    "at least twice as long, and 20 ms more.";

// What comparing says of one measurement.
enum class Trend { kNotCompared, kNoClearChange, kWorse, kBetter };

// A test that took at least twice as long. A value; ms.
struct SlowerTest {
  std::string id;
  double before = 0, after = 0;
};

// One measurement over all tests that passed. A value; ms.
struct MetricComparison {
  std::string name;                      // "downtime"
  std::string title;                     // "Downtime"
  std::vector<double> values, baseline;  // all occurrences, ascending
  size_t compared = 0;                   // tests with values in both runs
  double ratio = 1;                      // median over these tests of this run's by the earlier's
  Trend trend = Trend::kNotCompared;
  std::vector<SlowerTest> slower;  // the worst first
};

// Downtime, total time, pauses of checkpoints, takeover, and the tests' own time, in this order;
// also those without any value. `baseline` may be null.
std::vector<MetricComparison> CompareRuns(const RunRecord& run, const RunRecord* baseline);

// The value that a share of the values is not above; 0 without values. `sorted` ascends.
double Quantile(const std::vector<double>& sorted, double share);

// The regressions, one line each, for a terminal; "" when there is none.
std::string RegressionText(const std::vector<MetricComparison>& metrics);

}  // namespace tandem
