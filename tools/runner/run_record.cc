// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_record.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_split.h"
#include "lib/base/status.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

Json ArrayOf(const Strings& texts) { return Json::Array({texts.begin(), texts.end()}); }

Json ObjectOf(const StringMap& texts) { return Json::Object({texts.begin(), texts.end()}); }

Strings StringsFrom(const Json& array) {
  Strings texts;
  for (const Json& element : array.elements()) texts.push_back(element.Text());
  return texts;
}

StringMap MapFrom(const Json& object) {
  StringMap texts;
  for (const auto& [name, value] : object.members()) texts[name] = value.Text();
  return texts;
}

RunInfo RunInfoFrom(const Json& json) {
  return {.started = json["started"].Text(),
          .finished = json["finished"].Text(),
          .interrupted = json["interrupted"].Text(),
          .command = StringsFrom(json["command"]),
          .host = MapFrom(json["host"]),
          .qemu = MapFrom(json["qemu"]),
          .jobs = json["jobs"].Integer().value_or(1),
          .seed = json["seed"].Integer().value_or(0),
          .shard_index = json["shard_index"].Integer().value_or(1),
          .shard_count = json["shard_count"].Integer().value_or(1),
          .tests = StringsFrom(json["tests"]),
          .all_tests = StringsFrom(json["all_tests"])};
}

Json ToJson(const RunInfo& info) {
  return Json::Object({{"schema", kRunSchema},
                       {"started", info.started},
                       {"finished", info.finished},
                       {"interrupted", info.interrupted},
                       {"command", ArrayOf(info.command)},
                       {"host", ObjectOf(info.host)},
                       {"qemu", ObjectOf(info.qemu)},
                       {"jobs", info.jobs},
                       {"seed", info.seed},
                       {"shard_index", info.shard_index},
                       {"shard_count", info.shard_count},
                       {"tests", ArrayOf(info.tests)},
                       {"all_tests", ArrayOf(info.all_tests)}});
}

absl::StatusOr<std::vector<TestRecord>> ReadRecords(const std::string& path) {
  std::vector<TestRecord> records;
  if (!std::filesystem::exists(path)) return records;  // it was killed before the first end
  Strings lines = absl::StrSplit(ReadTextFile(path), '\n');
  lines.pop_back();  // "" after the last line feed, or a line that has no end
  for (size_t i = 0; i < lines.size(); ++i) {
    auto wrong = [&](const absl::Status& status) {
      return MakeError(absl::StatusCode::kInvalidArgument, "{}:{}: {}", path, i + 1,
                       Message(status));
    };
    auto line = Json::Parse(lines[i]);
    if (!line.ok()) return wrong(line.status());
    auto record = TestRecordFrom(*line);
    if (!record.ok()) return wrong(record.status());
    records.push_back(*std::move(record));
  }
  return records;
}

}  // namespace

Json ToJson(const TestRecord& record) {
  std::vector<Json::Member> members = {{"schema", kResultsSchema},
                                       {"id", record.id},
                                       {"family", record.family},
                                       {"attempt", record.attempt},
                                       {"status", StatusName(record.status)},
                                       {"seconds", record.seconds}};
  auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) members.emplace_back(name, ValidUtf8(text));
  };
  add("pair", record.pair);
  add("reason", record.reason);
  add("fingerprint", record.fingerprint);
  add("output", record.output);
  Json own = Json::Object(members);
  return record.line.is_object() ? record.line.MergedWith(own) : own;
}

absl::StatusOr<TestRecord> TestRecordFrom(const Json& line) {
  auto status = ParseStatusName(line["status"].Text());
  if (line["id"].Text().empty() || !status) {
    return absl::InvalidArgumentError("no line of a run's results: it has no id or no status");
  }
  return TestRecord{.id = line["id"].Text(),
                    .family = line["family"].Text(),
                    .pair = line["pair"].Text(),
                    .attempt = line["attempt"].Integer().value_or(1),
                    .status = *status,
                    .reason = line["reason"].Text(),
                    .fingerprint = line["fingerprint"].Text(),
                    .seconds = line["seconds"].Number().value_or(0),
                    .output = line["output"].Text(),
                    .line = line};
}

TestRecord NotRunRecord(const std::string& id, const std::string& reason) {
  TestRecord record{.id = id, .status = TestStatus::kNotRun, .reason = reason};
  size_t slash = id.find('/'), colon = id.find(':');
  if (colon < slash && slash != std::string::npos) record.pair = id.substr(0, slash);
  size_t from = record.pair.empty() ? 0 : slash + 1;
  size_t end = id.find_first_of("./", from);
  bool is_path = end == std::string::npos || id[end] == '/';
  record.family = is_path ? "testcase" : id.substr(from, end - from);
  return record;
}

absl::Status WriteRunInfo(const std::string& folder, const RunInfo& info) {
  return ReplaceTextFile(folder + "/run.json", ToJson(info).Pretty() + "\n");
}

absl::Status AppendRecord(const std::string& folder, const TestRecord& record) {
  return AppendResult(folder + "/results.jsonl", ToJson(record));
}

absl::StatusOr<RunRecord> ReadRun(const std::string& folder) {
  std::string path = folder + "/run.json";
  if (!std::filesystem::exists(path)) {
    return MakeError(absl::StatusCode::kNotFound,
                     "{} holds no run of tandem: there is no run.json in it", folder);
  }
  auto json = Json::Parse(ReadTextFile(path));
  if (!json.ok() || (*json)["schema"].Integer() != kRunSchema) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "{}: {}", path,
        json.ok() ? fmt::format("its schema is not {}", kRunSchema) : Message(json.status()));
  }
  TANDEM_ASSIGN_OR_RETURN(auto records, ReadRecords(folder + "/results.jsonl"));
  return RunRecord{.folder = folder, .info = RunInfoFrom(*json), .records = std::move(records)};
}

}  // namespace tandem
