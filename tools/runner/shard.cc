// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/shard.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <utility>

#include "lib/base/status.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr double kUnknownSeconds = 1;  // where nothing is known, all weigh the same
// A split into more is a mistake; also keeps it cheap.
constexpr int64_t kMostShards = 10'000;

// The whole of `text` as a number.
template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// The lower one of two in the middle; 0 of none.
double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of a matrix, the same test takes about as long for every pair.
const double* Find(const TestTimes& times, const PlannedTest& test) {
  auto found = times.find(test.id);
  if (found == times.end() && !test.pair.empty() && test.id.starts_with(test.pair + "/")) {
    found = times.find(test.id.substr(test.pair.size() + 1));
  }
  return found == times.end() ? nullptr : &found->second;
}

// What each test takes of a machine: seconds times cores.
std::vector<double> Weights(const std::vector<PlannedTest>& tests, const TestTimes& times) {
  std::map<std::string, std::vector<double>> by_family;
  std::vector<double> all;
  for (const PlannedTest& test : tests) {
    const double* seconds = Find(times, test);
    if (seconds == nullptr) continue;
    by_family[test.family].push_back(*seconds);
    all.push_back(*seconds);
  }
  double of_all = all.empty() ? kUnknownSeconds : Median(all);
  std::vector<double> weights;
  for (const PlannedTest& test : tests) {
    const double* seconds = Find(times, test);
    const std::vector<double>& family = by_family[test.family];
    double unknown = family.empty() ? of_all : Median(family);
    weights.push_back((seconds != nullptr ? *seconds : unknown) * std::max(test.cores, 1.0));
  }
  return weights;
}

// `name` is what the text is called in an error.
absl::StatusOr<TestTimes> ParseTimes(std::string_view text, const std::string& name) {
  TestTimes times;
  int number = 0;
  for (const std::string& line : SplitLines(text)) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    size_t tab = line.rfind('\t');
    double seconds = 0;
    if (tab == std::string::npos || tab == 0 || !ParseNumber(line.substr(tab + 1), seconds) ||
        !std::isfinite(seconds) || seconds < 0) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       "{}:{}: not the id of a test, a tab and its seconds: '{}'", name, number,
                       Printable(Shorten(line, 100)));
    }
    times[line.substr(0, tab)] = seconds;
  }
  return times;
}

}  // namespace

absl::StatusOr<Shard> ParseShard(std::string_view text) {
  size_t slash = text.find('/');
  Shard shard;
  if (slash == std::string_view::npos || !ParseNumber(text.substr(0, slash), shard.index) ||
      !ParseNumber(text.substr(slash + 1), shard.count)) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "a shard is two numbers, such as 2/3 for the second of three, but not '{}'",
                     text);
  }
  if (shard.count < 1 || shard.count > kMostShards) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "shard {}: the number of shards is from 1 to {}", text, kMostShards);
  }
  if (shard.index < 1 || shard.index > shard.count) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "shard {}: shards are numbered from 1 to {}{}", text, shard.count,
                     shard.index == 0 ? "; where an engine counts from 0, add 1" : "");
  }
  return shard;
}

TestTimes TimesOf(const std::vector<TestRecord>& records) {
  std::map<std::string, std::vector<double>> seconds;
  for (const TestRecord& record : records) {
    bool judged = record.status == TestStatus::kPassed || record.status == TestStatus::kFailed ||
                  record.status == TestStatus::kSkipped ||
                  record.status == TestStatus::kKnownDefect;
    if (judged) seconds[record.id].push_back(record.seconds);
  }
  TestTimes times;
  for (auto& [id, values] : seconds) times[id] = Median(std::move(values));
  return times;
}

absl::StatusOr<TestTimes> ReadTimes(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    return MakeError(absl::StatusCode::kNotFound, "there is no file of times {}", path);
  }
  return ParseTimes(ReadTextFile(path), path);
}

TestTimes BuiltInTimes() { return ParseTimes(kBuiltInTimes, "test_times.tsv").value(); }

absl::Status WriteTimes(const std::string& path, const TestTimes& times) {
  std::string text =
      "# Seconds by test, of a run: by them `tandem run --shard` splits the tests.\n";
  for (const auto& [id, seconds] : times) text += fmt::format("{}\t{:.2f}\n", id, seconds);
  return WriteTextFile(path, text);
}

std::vector<int64_t> AssignShards(const std::vector<PlannedTest>& tests, const TestTimes& times,
                                  int64_t count) {
  std::vector<double> weights = Weights(tests, times);
  std::vector<size_t> order(tests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(weights[b], tests[a].id) < std::tie(weights[a], tests[b].id);
  });
  // The longest first, each to whoever has the least to do.
  std::vector<double> loads(static_cast<size_t>(count), 0);
  std::vector<size_t> sizes(loads.size(), 0);
  std::vector<int64_t> shards(tests.size());
  for (size_t i : order) {
    size_t least = 0;
    for (size_t shard = 1; shard < loads.size(); ++shard) {
      if (std::tie(loads[shard], sizes[shard]) < std::tie(loads[least], sizes[least])) {
        least = shard;
      }
    }
    loads[least] += weights[i];
    ++sizes[least];
    shards[i] = static_cast<int64_t>(least) + 1;
  }
  return shards;
}

std::vector<PlannedTest> TestsOfShard(const std::vector<PlannedTest>& tests, const TestTimes& times,
                                      const Shard& shard) {
  std::vector<int64_t> shards = AssignShards(tests, times, shard.count);
  std::vector<PlannedTest> chosen;
  for (size_t i = 0; i < tests.size(); ++i) {
    if (shards[i] == shard.index) chosen.push_back(tests[i]);
  }
  return chosen;
}

}  // namespace tandem
