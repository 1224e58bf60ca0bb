// SPDX-License-Identifier: Apache-2.0
#include "bench/phase_table.h"

#include <algorithm>
#include <array>
#include <span>
#include <sstream>

#include "absl/strings/ascii.h"
#include "bench/samples.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

// In the order of a test; a phase of another name comes behind them.
constexpr std::array<std::string_view, 8> kPhases = {
    "boot", "negotiate", "migrate", "colo_start", "checkpoints", "failover", "verify", "teardown"};
constexpr char kOther[] = "other";
constexpr double kMsPerSecond = 1000;
constexpr double kShownSeconds = 0.005;  // shorter phases are left out of the list of slow tests

absl::Status CheckRun(const Json& result) {
  if (result["test"].Text().empty() || !result["seconds"].Number()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "a result has no test or no seconds, see docs/results.md: {}", result.Dump());
  }
  if (absl::AsciiStrToLower(result["status"].Text()) == "passed") return absl::OkStatus();
  std::string reason = result["reason"].Text();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "{} did not pass ({}{}), so its times are not those of a whole test",
                   result["test"].Text(), result["status"].Text(),
                   reason.empty() ? "" : ": " + reason);
}

std::string VersionsOf(const Json& result) {
  std::vector<std::string> versions;
  for (const auto& [role, version] : result["versions"].members()) {
    versions.push_back(version.Text());
  }
  std::sort(versions.begin(), versions.end());
  versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
  return fmt::format("{}", fmt::join(versions, ", "));
}

TestRuns& RunsOf(const Json& result, std::vector<TestRuns>& tests) {
  const std::string name = result["test"].Text();
  auto found = std::find_if(tests.begin(), tests.end(),
                            [&](const TestRuns& runs) { return runs.test == name; });
  if (found != tests.end()) return *found;
  tests.push_back(
      {.test = name, .qemu = VersionsOf(result), .accelerator = result["accelerator"].Text()});
  return tests.back();
}

void AddRun(const Json& result, TestRuns& runs) {
  const double seconds = *result["seconds"].Number();
  runs.seconds.push_back(seconds);
  double other = seconds;
  for (const auto& [phase, value] : result["phases"].members()) {
    runs.phases[phase].resize(runs.seconds.size());
    runs.phases[phase].back() = value.Number().value_or(0);
    other -= runs.phases[phase].back();
  }
  runs.phases[kOther].resize(runs.seconds.size());
  runs.phases[kOther].back() = other;
  for (auto& [phase, values] : runs.phases) values.resize(runs.seconds.size());
}

// The phases of a test as the rows of its table have them.
std::vector<std::string> RowsOf(const TestRuns& runs) {
  std::vector<std::string> rows;
  for (std::string_view phase : kPhases) {
    if (runs.phases.count(std::string(phase)) > 0) rows.emplace_back(phase);
  }
  for (const auto& [phase, values] : runs.phases) {
    const bool is_known = std::find(kPhases.begin(), kPhases.end(), phase) != kPhases.end();
    if (!is_known && phase != kOther) rows.push_back(phase);
  }
  rows.emplace_back(kOther);
  return rows;
}

std::string FormatRow(const std::string& name, const std::vector<double>& seconds) {
  return fmt::format("  {:<14}{:>10.1f}{:>10.1f}{:>10.1f}\n", name, Median(seconds) * kMsPerSecond,
                     *std::min_element(seconds.begin(), seconds.end()) * kMsPerSecond,
                     *std::max_element(seconds.begin(), seconds.end()) * kMsPerSecond);
}

Json ToArray(const std::vector<double>& values) {
  return Json::Array({values.begin(), values.end()});
}

}  // namespace

absl::StatusOr<std::vector<TestRuns>> ReadPassedRuns(std::string_view lines) {
  std::vector<TestRuns> tests;
  std::istringstream stream{std::string(lines)};
  for (std::string line; std::getline(stream, line);) {
    absl::StatusOr<Json> result = Json::Parse(line);
    if (result.ok() && CheckRun(*result).ok()) AddRun(*result, RunsOf(*result, tests));
  }
  if (tests.empty()) return absl::InvalidArgumentError("there is no result of a test that passed");
  return tests;
}

std::string FormatSlowest(std::vector<TestRuns> tests, size_t count) {
  std::sort(tests.begin(), tests.end(), [](const TestRuns& one, const TestRuns& other) {
    return Median(one.seconds) > Median(other.seconds);
  });
  double sum = 0;
  for (const TestRuns& runs : tests) sum += Median(runs.seconds);
  std::string text;
  for (const TestRuns& runs : std::span(tests).first(std::min(count, tests.size()))) {
    std::vector<std::pair<double, std::string>> phases;
    for (const auto& [phase, values] : runs.phases) phases.emplace_back(Median(values), phase);
    std::sort(phases.rbegin(), phases.rend());
    text += fmt::format("{:>7.2f} s  {}\n          ", Median(runs.seconds), runs.test);
    for (const auto& [seconds, phase] : phases) {
      if (seconds >= kShownSeconds) text += fmt::format(" {} {:.2f}", phase, seconds);
    }
    text += "\n";
  }
  return text + fmt::format("{:>7.2f} s  all {} tests, one after the other\n", sum, tests.size());
}

absl::StatusOr<std::vector<TestRuns>> ReadRuns(std::string_view lines, size_t minimum_runs) {
  std::vector<TestRuns> tests;
  std::istringstream stream{std::string(lines)};
  for (std::string line; std::getline(stream, line);) {
    absl::StatusOr<Json> result = Json::Parse(line);
    if (!result.ok()) continue;  // its writer was killed
    TANDEM_RETURN_IF_ERROR(CheckRun(*result));
    AddRun(*result, RunsOf(*result, tests));
  }
  if (tests.empty()) return absl::InvalidArgumentError("there is no result of any test");
  for (const TestRuns& runs : tests) {
    if (runs.seconds.size() >= minimum_runs) continue;
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{} has {} results where {} runs were wanted", runs.test, runs.seconds.size(),
                     minimum_runs);
  }
  return tests;
}

std::string FormatPhaseTable(const std::vector<TestRuns>& tests) {
  std::string table;
  for (const TestRuns& runs : tests) {
    table += fmt::format("{}{}\n{} run{} on QEMU {} ({})\n", table.empty() ? "" : "\n", runs.test,
                         runs.seconds.size(), runs.seconds.size() == 1 ? "" : "s", runs.qemu,
                         runs.accelerator);
    table += fmt::format("  {:<14}{:>10}{:>10}{:>10}\n", "ms", "median", "min", "max");
    for (const std::string& phase : RowsOf(runs)) table += FormatRow(phase, runs.phases.at(phase));
    table += FormatRow("whole test", runs.seconds);
  }
  return table;
}

Json RunsToJson(const std::vector<TestRuns>& tests) {
  std::vector<Json> array;
  for (const TestRuns& runs : tests) {
    std::vector<Json::Member> phases;
    for (const auto& [phase, values] : runs.phases) phases.emplace_back(phase, ToArray(values));
    array.push_back(Json::Object({{"test", runs.test},
                                  {"qemu", runs.qemu},
                                  {"accelerator", runs.accelerator},
                                  {"seconds", ToArray(runs.seconds)},
                                  {"phases", Json::Object(phases)}}));
  }
  return Json::Array(array);
}

}  // namespace tandem
