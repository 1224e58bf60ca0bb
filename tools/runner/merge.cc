// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr size_t kNamedTests = 10;  // of a long list

std::string ShardName(const RunInfo& info) {
  return fmt::format("shard {}/{}", info.shard_index, info.shard_count);
}

bool IsShard(const RunRecord& run) { return run.info.shard_count > 1; }

std::string NameOf(const RunRecord& run) {
  return IsShard(run) ? ShardName(run.info) + " (" + run.folder + ")" : run.folder;
}

template <typename... Args>
absl::Status Refuse(fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kInvalidArgument, format, std::forward<Args>(args)...);
}

std::string Listed(const std::vector<std::string>& names) {
  size_t shown = std::min(names.size(), kNamedTests);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  return shown == names.size() ? text : fmt::format("{} and {} more", text, names.size() - shown);
}

// Tests of one that are not of the other.
std::vector<std::string> Without(const std::vector<std::string>& all,
                                 const std::vector<std::string>& others) {
  std::set<std::string> known(others.begin(), others.end());
  std::vector<std::string> rest;
  for (const std::string& id : all) {
    if (!known.contains(id)) rest.push_back(id);
  }
  return rest;
}

std::string Versions(const RunInfo& info) {
  std::vector<std::string> texts;
  for (const auto& [name, version] : info.qemu) texts.push_back(name + ": " + version);
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

// That two shards are parts of one run.
absl::Status CheckFit(const RunRecord& first, const RunRecord& run) {
  const RunInfo &a = first.info, &b = run.info;
  if (a.shard_count != b.shard_count) {
    return Refuse("{} and {} are parts of different numbers of shards", NameOf(first), NameOf(run));
  }
  if (a.shard_index == b.shard_index) {
    return Refuse("{} is there twice: in {} and in {}", ShardName(a), first.folder, run.folder);
  }
  if (a.seed != b.seed) {
    return Refuse("{} has the seed {}, but {} has {}", NameOf(first), a.seed, NameOf(run), b.seed);
  }
  if (a.qemu != b.qemu) {
    return Refuse("{} is of QEMU {}, but {} of {}", NameOf(first), Versions(a), NameOf(run),
                  Versions(b));
  }
  std::vector<std::string> less = Without(a.all_tests, b.all_tests);
  std::vector<std::string> more = Without(b.all_tests, a.all_tests);
  if (less.empty() && more.empty()) return absl::OkStatus();
  return Refuse("{} and {} are of different selections: only {} has {}", NameOf(first), NameOf(run),
                less.empty() ? "the second" : "the first", Listed(less.empty() ? more : less));
}

absl::Status CheckShards(const std::vector<RunRecord>& runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t j = i + 1; j < runs.size(); ++j) {
      TANDEM_RETURN_IF_ERROR(CheckFit(runs[i], runs[j]));
    }
  }
  std::map<std::string, const RunRecord*> shards;  // of each test
  for (const RunRecord& run : runs) {
    std::vector<std::string> strange = Without(run.info.tests, run.info.all_tests);
    if (!strange.empty()) {
      return Refuse("{} has tests that are not of its selection: {}", NameOf(run), Listed(strange));
    }
    for (const std::string& id : run.info.tests) {
      auto [at, is_new] = shards.emplace(id, &run);
      if (!is_new) {
        return Refuse("{} is in {} and in {}: they were not split by the same times (--times)", id,
                      NameOf(*at->second), NameOf(run));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Check(const std::vector<RunRecord>& runs) {
  if (runs.empty()) return Refuse("there is nothing to merge");
  std::map<std::string, int> folders;
  for (const RunRecord& run : runs) {
    if (++folders[run.folder] > 1) return Refuse("{} is named twice", run.folder);
    if (IsShard(run) != IsShard(runs[0])) {
      const RunRecord &shard = IsShard(run) ? run : runs[0], &whole = IsShard(run) ? runs[0] : run;
      return Refuse("{} is a shard, but {} is a whole run: merge the shards first", NameOf(shard),
                    NameOf(whole));
    }
  }
  return IsShard(runs[0]) ? CheckShards(runs) : absl::OkStatus();
}

// Values that are not the same everywhere are joined.
void Join(std::map<std::string, std::string>& all, const std::map<std::string, std::string>& one) {
  for (const auto& [name, value] : one) {
    auto [at, is_new] = all.emplace(name, value);
    std::string around = " | " + at->second + " | ";
    if (!is_new && around.find(" | " + value + " | ") == std::string::npos) {
      at->second += " | " + value;
    }
  }
}

// Puts the runs together one by one.
class Merger {
 public:
  explicit Merger(bool of_shards) : of_shards_(of_shards) {}

  void Add(const RunRecord& run) {
    AddInfo(run);
    std::map<std::string, int64_t> before = attempts_;
    std::set<std::string> seen;
    for (const TestRecord& record : run.records) {
      seen.insert(record.id);
      AddRecord(run, record, before[record.id]);
    }
    std::vector<std::string> missing = Without(run.info.tests, {seen.begin(), seen.end()});
    if (missing.empty()) return;
    std::string why = run.info.interrupted.empty() ? "it was not finished" : run.info.interrupted;
    // Without the run's name: killed runs fail by one reason.
    std::string who = IsShard(run) ? ShardName(run.info) : "a run";
    AddMissing(missing, fmt::format("{} has no result of this test: {}", who, why),
               fmt::format("{} has no result of {}: {}", NameOf(run), Listed(missing), why));
  }

  // Of shards: what none of them has.
  void AddAbsent(const std::vector<RunRecord>& runs) {
    std::set<int64_t> there;
    std::vector<std::string> tests, absent;
    for (const RunRecord& run : runs) {
      there.insert(run.info.shard_index);
      tests.insert(tests.end(), run.info.tests.begin(), run.info.tests.end());
    }
    RunInfo shard = runs[0].info;
    for (shard.shard_index = 1; shard.shard_index <= shard.shard_count; ++shard.shard_index) {
      if (!there.contains(shard.shard_index)) absent.push_back(ShardName(shard));
    }
    std::vector<std::string> missing = Without(merged_.info.tests, tests);
    if (absent.empty() && missing.empty()) return;
    std::string who = absent.empty() ? "no shard has it: they were not split by the same times"
                                     : fmt::format("{} missing", Listed(absent));
    AddMissing(missing, "this test was not run: " + who,
               missing.empty() ? who : fmt::format("{}, not run: {}", who, Listed(missing)));
  }

  MergedRun Take() { return std::move(merged_); }

 private:
  void AddInfo(const RunRecord& run) {
    RunInfo& all = merged_.info;
    const RunInfo& one = run.info;
    bool is_first = all.started.empty();
    all.started = is_first ? one.started : std::min(all.started, one.started);
    if (one.finished.empty()) unfinished_ = true;
    all.finished = unfinished_ ? "" : std::max(all.finished, one.finished);
    if (!one.interrupted.empty()) {
      all.interrupted +=
          (all.interrupted.empty() ? "" : "; ") + NameOf(run) + ": " + one.interrupted;
    }
    Join(all.host, one.host);
    Join(all.qemu, one.qemu);
    all.jobs = std::max(all.jobs, one.jobs);
    if (is_first) all.seed = one.seed;
    for (const std::string& id : of_shards_ ? one.all_tests : one.tests) {
      if (listed_.insert(id).second) all.tests.push_back(id);
    }
  }

  void AddRecord(const RunRecord& run, TestRecord record, int64_t attempts_before) {
    record.attempt += attempts_before;
    int64_t& attempts = attempts_[record.id];
    attempts = std::max(attempts, record.attempt);
    if (!record.output.empty()) {
      std::string old = record.output;
      record.output = FreeName(old);
      merged_.outputs.push_back({run.folder + "/" + old, record.output});
      MoveMembers(record, old);
    }
    merged_.records.push_back(std::move(record));
  }

  // Members of the line that tell of files in the folder of the output.
  static void MoveMembers(TestRecord& record, const std::string& old) {
    for (const char* name : {"artifacts", "timeline"}) {
      std::string path = record.line[name].Text();
      if (path != old && !path.starts_with(old + "/")) continue;
      Json moved = Json::Object({{name, record.output + path.substr(old.size())}});
      record.line = record.line.MergedWith(moved);
    }
  }

  std::string FreeName(const std::string& name) {
    std::string free = name;
    for (int i = 2; !names_.insert(free).second; ++i) free = fmt::format("{}~{}", name, i);
    return free;
  }

  void AddMissing(const std::vector<std::string>& tests, const std::string& reason,
                  const std::string& sentence) {
    merged_.missing.push_back(sentence);
    for (const std::string& id : tests) {
      merged_.records.push_back(NotRunRecord(id, reason));
      merged_.records.back().attempt = ++attempts_[id];
    }
  }

  bool of_shards_, unfinished_ = false;
  MergedRun merged_;
  std::set<std::string> listed_, names_;
  std::map<std::string, int64_t> attempts_;
};

}  // namespace

absl::StatusOr<MergedRun> MergeRuns(const std::vector<RunRecord>& runs) {
  TANDEM_RETURN_IF_ERROR(Check(runs));
  Merger merger(IsShard(runs[0]));
  std::vector<RunRecord> ordered = runs;
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.info.shard_index < b.info.shard_index;
  });
  for (const RunRecord& run : ordered) merger.Add(run);
  if (IsShard(runs[0])) merger.AddAbsent(runs);
  return merger.Take();
}

}  // namespace tandem
