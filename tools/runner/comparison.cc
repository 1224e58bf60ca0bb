// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace tandem {
namespace {

constexpr size_t kFewestTests = 5;
constexpr double kWorseRatio = 1.2;
constexpr double kShareOfTests = 0.75;
constexpr double kSlowerTestRatio = 2;
constexpr double kSlowerTestMs = 20;
constexpr double kShortestMs = 0.1;  // ratios of less are noise of the clock

struct Metric {
  const char *name, *title;
  std::vector<const char*> measurements;  // of a result; none: the test's time
};

const std::vector<Metric>& Metrics() {
  static const std::vector<Metric> metrics = {
      {"downtime", "Downtime", {"downtime_ms"}},
      {"total_time", "Total time of a migration", {"total_time_ms"}},
      {"checkpoint_pause", "Pause of a checkpoint", {"primary_pauses_ms", "secondary_pauses_ms"}},
      {"takeover", "Takeover", {"takeover_ms"}},
      {"test_time", "Duration of a test", {}}};
  return metrics;
}

// A measurement is a number or a list of numbers.
void AddNumbers(const Json& value, std::vector<double>& numbers) {
  if (auto number = value.Number()) numbers.push_back(*number);
  for (const Json& element : value.elements()) AddNumbers(element, numbers);
}

using ValuesByTest = std::map<std::string, std::vector<double>>;

ValuesByTest ValuesOf(const RunRecord& run, const Metric& metric) {
  ValuesByTest values;
  for (const TestRecord& record : run.records) {
    if (record.status != TestStatus::kPassed) continue;
    std::vector<double> found;
    for (const char* name : metric.measurements) {
      AddNumbers(record.line["measurements"][name], found);
    }
    if (metric.measurements.empty()) found.push_back(record.seconds * 1e3);
    if (found.empty()) continue;
    std::vector<double>& all = values[record.id];
    all.insert(all.end(), found.begin(), found.end());
  }
  for (auto& [id, all] : values) std::sort(all.begin(), all.end());
  return values;
}

std::vector<double> Sorted(const ValuesByTest& values) {
  std::vector<double> sorted;
  for (const auto& [id, all] : values) sorted.insert(sorted.end(), all.begin(), all.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

Trend TrendOf(const std::vector<double>& ratios, double median) {
  if (ratios.size() < kFewestTests) return Trend::kNotCompared;
  auto count = [&](auto is_so) {
    return static_cast<double>(std::count_if(ratios.begin(), ratios.end(), is_so));
  };
  double enough = kShareOfTests * static_cast<double>(ratios.size());
  bool most_slower = count([](double ratio) { return ratio > 1; }) >= enough;
  bool most_faster = count([](double ratio) { return ratio < 1; }) >= enough;
  if (median >= kWorseRatio && most_slower) return Trend::kWorse;
  if (median <= 1 / kWorseRatio && most_faster) return Trend::kBetter;
  return Trend::kNoClearChange;
}

void CompareTests(const ValuesByTest& now, const ValuesByTest& earlier, MetricComparison& metric) {
  std::vector<double> ratios;
  for (const auto& [id, values] : now) {
    auto same = earlier.find(id);
    if (same == earlier.end()) continue;
    double before = Quantile(same->second, 0.5), after = Quantile(values, 0.5);
    double ratio = std::max(after, kShortestMs) / std::max(before, kShortestMs);
    ratios.push_back(ratio);
    if (ratio >= kSlowerTestRatio && after - before >= kSlowerTestMs) {
      metric.slower.push_back({id, before, after});
    }
  }
  std::sort(ratios.begin(), ratios.end());
  std::stable_sort(metric.slower.begin(), metric.slower.end(), [](const auto& a, const auto& b) {
    return a.after * b.before > b.after * a.before;
  });
  metric.compared = ratios.size();
  metric.ratio = ratios.empty() ? 1 : Quantile(ratios, 0.5);
  metric.trend = TrendOf(ratios, metric.ratio);
}

}  // namespace

double Quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  double at = share * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<size_t>(at);
  size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<MetricComparison> CompareRuns(const RunRecord& run, const RunRecord* baseline) {
  std::vector<MetricComparison> comparisons;
  for (const Metric& metric : Metrics()) {
    ValuesByTest now = ValuesOf(run, metric);
    MetricComparison comparison{.name = metric.name, .title = metric.title, .values = Sorted(now)};
    if (baseline != nullptr) {
      ValuesByTest earlier = ValuesOf(*baseline, metric);
      comparison.baseline = Sorted(earlier);
      CompareTests(now, earlier, comparison);
    }
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

std::string RegressionText(const std::vector<MetricComparison>& metrics) {
  std::string text;
  for (const MetricComparison& metric : metrics) {
    if (metric.trend != Trend::kWorse) continue;
    text += fmt::format("regression: {}: median of the ratios {:.2f} over {} tests\n", metric.title,
                        metric.ratio, metric.compared);
  }
  return text;
}

}  // namespace tandem
