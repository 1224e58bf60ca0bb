// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/past_times.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "lib/base/status.h"
#include "lib/qemu/cache_directory.h"
#include "lib/qmp/json.h"
#include "tools/runner/shard.h"

namespace tandem {
namespace {

constexpr int kSchema = 1;

std::string CacheFile() {
  std::string folder = CacheDirectory();
  return folder.empty() ? "" : folder + "/test-times.json";
}

}  // namespace

PastTimes PastTimes::Load(std::string& warning) {
  PastTimes times;
  warning.clear();
  std::string path = CacheFile();
  std::error_code ignored;
  times.folder_was_there_ = std::filesystem::is_directory(CacheDirectory(), ignored);
  std::string text = path.empty() ? "" : ReadCacheFile(path);
  if (text.empty()) return times;
  auto json = Json::Parse(text);
  if (!json.ok() || (*json)["schema"].Integer() != kSchema) {
    warning = fmt::format("{} is not used: {}", path,
                          json.ok() ? "its schema is another one" : Message(json.status()));
    return times;
  }
  for (const auto& [id, value] : (*json)["seconds"].members()) {
    double seconds = value.Number().value_or(0);
    if (seconds > 0) times.seconds_[id] = seconds;
  }
  return times;
}

void PastTimes::Estimate(std::vector<PlannedTest>& tests) const {
  const TestTimes elsewhere = BuiltInTimes();
  std::vector<double> known;
  for (PlannedTest& test : tests) {
    test.expected_seconds = 0;
    for (const TestTimes* times : {&seconds_, &elsewhere}) {
      auto found = times->find(test.id);
      if (found == times->end()) continue;
      test.expected_seconds = found->second;
      known.push_back(found->second);
      break;
    }
  }
  if (known.empty()) return;
  auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  std::nth_element(known.begin(), middle, known.end());
  for (PlannedTest& test : tests) {
    if (test.expected_seconds == 0) test.expected_seconds = *middle;
  }
}

void PastTimes::Add(const TestRecord& record) {
  bool ran = record.status != TestStatus::kNotRun && record.status != TestStatus::kCrashed;
  if (!ran || !std::isfinite(record.seconds) || record.seconds <= 0) return;
  auto [entry, is_new] = seconds_.try_emplace(record.id, record.seconds);
  if (!is_new) entry->second = (entry->second + record.seconds) / 2;
  added_[record.id] = entry->second;
}

absl::Status PastTimes::Save() const {
  std::string path = CacheFile();
  if (path.empty() || added_.empty()) return absl::OkStatus();
  std::string ignored;
  PastTimes now = Load(ignored);
  if (folder_was_there_ && !now.folder_was_there_) {
    return MakeError(absl::StatusCode::kNotFound,
                     "{} cannot be written: somebody removed its folder", path);
  }
  std::map<std::string, double> all = std::move(now.seconds_);
  for (const auto& [id, seconds] : added_) all[id] = seconds;
  std::vector<Json::Member> members;
  for (const auto& [id, seconds] : all) members.emplace_back(id, std::round(seconds * 1e3) / 1e3);
  Json json = Json::Object({{"schema", kSchema}, {"seconds", Json::Object(members)}});
  if (WriteCacheFile(path, json.Dump() + "\n")) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnavailable,
                   "{} cannot be written: the next run will not know how long tests take", path);
}

}  // namespace tandem
