// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/html_report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "absl/time/clock.h"
#include "lib/base/status.h"
#include "lib/report/text.h"
#include "tools/report/page.h"
#include "tools/runner/comparison.h"
#include "tools/runner/report_files.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestReason = 4000;
constexpr size_t kMostSlowerTests = 100;

// Which members of a line the page shows.
constexpr const char* kShownMembers[] = {"id",        "family",       "pair",         "attempt",
                                         "status",    "fingerprint",  "seconds",      "started",
                                         "scenarios", "known_defect", "machine_type", "accelerator",
                                         "versions",  "phases",       "measurements"};

bool WentWrong(TestStatus status) {
  return status != TestStatus::kPassed && status != TestStatus::kSkipped &&
         status != TestStatus::kKnownDefect;
}

// The records, and one for each test that has none.
std::vector<TestRecord> RecordsOf(const RunRecord& run) {
  std::vector<TestRecord> records = run.records;
  std::set<std::string> known;
  for (const TestRecord& record : records) known.insert(record.id);
  for (const std::string& id : run.info.tests) {
    if (!known.insert(id).second) continue;
    size_t slash = id.find('/'), dot = id.find('.');
    bool has_pair = slash < id.find(':', slash) && id.substr(0, slash).find(':') != id.npos;
    size_t begin = has_pair ? slash + 1 : 0;
    dot = id.find('.', begin);
    records.push_back({.id = id,
                       .family = id.substr(begin, dot - begin),
                       .pair = has_pair ? id.substr(0, slash) : "",
                       .reason = "the run ended before this test did"});
  }
  return records;
}

// Makes the page's data, record by record, and the attachments while there is room.
class DataBuilder {
 public:
  DataBuilder(const RunRecord& run, const HtmlReportOptions& options)
      : run_(run), options_(options), records_(RecordsOf(run)) {}

  std::string Page() {
    std::vector<Json> records;
    for (const TestRecord& record : records_) records.push_back(RecordJson(record));
    Attach(records);
    for (size_t record : left_out_) {
      records[record] = records[record].MergedWith(Json::Object({{"timeline_left_out", true}}));
    }
    Json data = Json::Object({{"title", "Tandem report"},
                              {"generated", UtcText(absl::Now())},
                              {"run", RunJson()},
                              {"records", Json::Array(records)},
                              {"metrics", MetricsJson()},
                              {"baseline", BaselineJson()},
                              {"rule", std::string(kRegressionRule)}});
    std::string started = run_.info.started.substr(0, 16);
    return RenderPage(started.empty() ? "Tandem report" : "Tandem report, " + started, data,
                      attachments_);
  }

 private:
  Json RunJson() const {
    const RunInfo& info = run_.info;
    auto object = [](const std::map<std::string, std::string>& texts) {
      std::vector<std::pair<std::string, Json>> members;
      for (const auto& [name, text] : texts) members.emplace_back(name, ValidUtf8(text));
      return Json::Object({members.begin(), members.end()});
    };
    std::vector<Json> command;
    for (const std::string& word : info.command) command.emplace_back(ValidUtf8(word));
    return Json::Object({{"started", info.started},
                         {"finished", info.finished},
                         {"interrupted", ValidUtf8(info.interrupted)},
                         {"command", Json::Array(command)},
                         {"host", object(info.host)},
                         {"qemu", object(info.qemu)},
                         {"jobs", info.jobs},
                         {"seed", info.seed},
                         {"shard_index", info.shard_index},
                         {"shard_count", info.shard_count}});
  }

  Json RecordJson(const TestRecord& record) const {
    Json line = ToJson(record);
    std::vector<Json::Member> members;
    for (const char* name : kShownMembers) {
      if (line.Has(name)) members.emplace_back(name, line[name]);
    }
    if (!record.reason.empty()) {
      members.emplace_back("reason", Shorten(ValidUtf8(record.reason), kLongestReason));
    }
    std::vector<Json> files;
    for (const ReportFile& file : FilesOf(run_, record, PageFolder())) {
      files.push_back(Json::Array({ValidUtf8(file.link), file.bytes}));
    }
    if (!files.empty()) members.emplace_back("files", Json::Array(files));
    return Json::Object(members);
  }

  // What went wrong comes first, and its timelines before its scripts.
  void Attach(const std::vector<Json>& records) {
    size_t taken = kPageItself;
    for (const Json& record : records) taken += record.Dump().size();
    size_t room = options_.most_bytes - std::min(options_.most_bytes, taken);
    for (bool wrong : {true, false}) {
      for (size_t i = 0; i < records_.size(); ++i) {
        if (WentWrong(records_[i].status) == wrong) {
          AttachFile("timeline", i, TimelineText(run_, records_[i]), room);
        }
      }
      for (size_t i = 0; i < records_.size(); ++i) {
        if (WentWrong(records_[i].status) != wrong) continue;
        std::string script = ScriptText(run_, records_[i]);
        AttachFile("reproduce", i, script.empty() ? "" : Json(ValidUtf8(script)).Dump(), room);
      }
    }
  }

  void AttachFile(const std::string& kind, size_t record, std::string json, size_t& room) {
    constexpr size_t kElement = 60;  // around it
    if (json.empty()) return;
    if (json.size() + kElement > room) {
      if (kind == "timeline") left_out_.insert(record);
      return;
    }
    room -= json.size() + kElement;
    attachments_.push_back({kind, record, std::move(json)});
  }

  static Json Summary(const std::vector<double>& values) {
    return Json::Object({{"count", values.size()},
                         {"median", Quantile(values, 0.5)},
                         {"p90", Quantile(values, 0.9)},
                         {"max", Quantile(values, 1)}});
  }

  // All that a picture of a distribution can show.
  static Json Thinned(const std::vector<double>& values) {
    constexpr size_t kMost = 1000;
    std::vector<Json> thinned;
    size_t count = std::min(values.size(), kMost);
    for (size_t i = 0; i < count; ++i) {
      double share = count < 2 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
      thinned.emplace_back(std::round(Quantile(values, share) * 1e3) / 1e3);
    }
    return Json::Array(thinned);
  }

  Json MetricsJson() const {
    static constexpr const char* kTrends[] = {"", "same", "worse", "better"};
    std::vector<Json> metrics;
    for (const MetricComparison& metric : CompareRuns(run_, options_.baseline)) {
      std::vector<Json::Member> members = {{"name", metric.name},
                                           {"title", metric.title},
                                           {"values", Thinned(metric.values)},
                                           {"summary", Summary(metric.values)},
                                           {"compared", metric.compared},
                                           {"ratio", metric.ratio},
                                           {"verdict", kTrends[static_cast<int>(metric.trend)]},
                                           {"changes_count", metric.slower.size()}};
      if (!metric.baseline.empty()) {
        members.emplace_back("baseline", Thinned(metric.baseline));
        members.emplace_back("baseline_summary", Summary(metric.baseline));
      }
      std::vector<Json> changes;
      for (const SlowerTest& test : metric.slower) {
        if (changes.size() == kMostSlowerTests) break;
        changes.push_back(
            Json::Object({{"id", test.id}, {"before", test.before}, {"after", test.after}}));
      }
      members.emplace_back("changes", Json::Array(changes));
      metrics.push_back(Json::Object(members));
    }
    return Json::Array(metrics);
  }

  Json BaselineJson() const {
    if (options_.baseline == nullptr) return {};
    std::error_code ignored;
    fs::path folder = fs::weakly_canonical(options_.baseline->folder, ignored);
    if (!folder.has_filename()) folder = folder.parent_path();  // it ended in a slash
    std::string name = folder.filename().string();
    return Json::Object(
        {{"folder", ValidUtf8(name)}, {"started", options_.baseline->info.started}});
  }

  std::string PageFolder() const { return fs::path(options_.path).parent_path().string(); }

  // The script, the style and what else is the same in every page.
  static constexpr size_t kPageItself = 200'000;

  const RunRecord& run_;
  const HtmlReportOptions& options_;
  const std::vector<TestRecord> records_;
  std::vector<PageAttachment> attachments_;
  std::set<size_t> left_out_;
};

}  // namespace

absl::Status WriteHtmlReport(const RunRecord& run, const HtmlReportOptions& options) {
  HtmlReportOptions placed = options;
  if (placed.path.empty()) placed.path = run.folder + "/report.html";
  placed.path = fs::absolute(placed.path).string();
  return ReplaceTextFile(placed.path, DataBuilder(run, placed).Page());
}

}  // namespace tandem
