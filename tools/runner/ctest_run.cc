// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/ctest_run.h"

#include <filesystem>
#include <map>
#include <pugixml.hpp>
#include <utility>

#include "absl/time/time.h"
#include "lib/base/status.h"
#include "lib/report/text.h"
#include "tools/runner/fingerprint.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOutputLines = 20;  // of a failed test that wrote no line itself
constexpr size_t kLongestOutput = 4000;

// The newest line of each test, of those that began after `start`.
std::map<std::string, Json> LinesByTest(const std::string& artifacts, absl::Time start) {
  std::map<std::string, Json> lines;
  if (artifacts.empty()) return lines;
  for (const std::string& text : SplitLines(ReadTextFile(artifacts + "/results.jsonl"))) {
    auto line = Json::Parse(text);
    if (!line.ok() || !line->is_object()) continue;  // its writer was killed
    absl::Time began;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, (*line)["started"].Text(), &began, &error)) continue;
    if (began >= start) lines[(*line)["test"].Text()] = *line;
  }
  return lines;
}

// ctest writes the local time, to the second, and no zone.
absl::Time StartOf(const pugi::xml_node& suite) {
  absl::Time start = absl::InfinitePast();
  std::string error;
  absl::ParseTime("%Y-%m-%dT%H:%M:%S", suite.attribute("timestamp").value(), absl::LocalTimeZone(),
                  &start, &error);
  return start;
}

// "notrun" is a skip as well as a program that is not there.
TestStatus StatusOf(const pugi::xml_node& test) {
  std::string status = test.attribute("status").value();
  std::string why = test.child("skipped").attribute("message").value();
  if (status == "run") return TestStatus::kPassed;
  if (status == "disabled" || why.starts_with("SKIP_")) return TestStatus::kSkipped;
  return status == "notrun" ? TestStatus::kNotRun : TestStatus::kFailed;
}

std::string OutputOf(const pugi::xml_node& test) {
  std::vector<std::string> lines = SplitLines(test.child("system-out").text().get());
  while (lines.size() > kOutputLines) lines.erase(lines.begin());
  return Shorten(ValidUtf8(fmt::format("{}", fmt::join(lines, "\n"))), kLongestOutput);
}

std::string ReasonOf(const pugi::xml_node& test, TestStatus status) {
  if (status == TestStatus::kPassed) return "";
  std::string why = test.child("skipped").attribute("message").value();
  if (status == TestStatus::kFailed || why.empty()) return OutputOf(test);
  return status == TestStatus::kNotRun ? why : "skipped, by " + why;
}

// What the test says of itself, unless ctest saw another end of it.
void AddLine(const Json& line, TestRecord& record) {
  auto status = ParseStatusName(line["status"].Text());
  if (!status) return;
  bool was_skip = record.status == TestStatus::kSkipped;
  bool says_skip = *status == TestStatus::kSkipped || *status == TestStatus::kKnownDefect;
  record.line = line;
  if (*status != record.status && !(was_skip && says_skip)) return;
  record.status = *status;
  record.reason = line["reason"].Text();
}

TestRecord RecordOf(const pugi::xml_node& test, const std::map<std::string, Json>& lines) {
  TestStatus status = StatusOf(test);
  TestRecord record{.id = ValidUtf8(test.attribute("name").value()),
                    .status = status,
                    .reason = ReasonOf(test, status),
                    .seconds = test.attribute("time").as_double(),
                    .line = Json::Object({})};
  size_t dot = record.id.find('.');  // ctest's names are family.Suite.Test/Parameter
  record.family = record.id.substr(0, dot);
  auto line = lines.find(dot == std::string::npos ? "" : record.id.substr(dot + 1));
  if (line != lines.end()) AddLine(line->second, record);
  record.fingerprint = Fingerprint(record.reason);
  return record;
}

RunInfo InfoOf(const pugi::xml_node& suite, absl::Time start) {
  RunInfo info{.command = {"ctest"}};
  if (start != absl::InfinitePast()) {
    info.started = UtcText(start);
    info.finished = UtcText(start + absl::Seconds(suite.attribute("time").as_double()));
  }
  std::string host = suite.attribute("hostname").value();
  if (!host.empty()) info.host["name"] = ValidUtf8(host);
  return info;
}

void NoteVersions(const Json& line, RunInfo& info) {
  for (const auto& [role, version] : line["versions"].members()) {
    info.qemu[version.Text()] = version.Text();
  }
}

}  // namespace

absl::StatusOr<RunRecord> ReadCtestRun(const std::string& junit, const std::string& artifacts) {
  if (!fs::is_regular_file(junit)) {
    return MakeError(absl::StatusCode::kNotFound, "{}: there is no such file", junit);
  }
  if (!artifacts.empty() && !fs::is_directory(artifacts)) {
    return MakeError(absl::StatusCode::kNotFound,
                     "{}: there is no such folder of artifacts: see --artifacts, TANDEM_ARTIFACTS",
                     artifacts);
  }
  pugi::xml_document document;
  pugi::xml_parse_result parsed = document.load_file(junit.c_str());
  pugi::xml_node suite = document.child("testsuite");
  if (!parsed || !suite) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}: not what ctest --output-junit writes: {}", junit,
                     parsed ? "there is no testsuite" : parsed.description());
  }
  absl::Time start = StartOf(suite);
  std::map<std::string, Json> lines = LinesByTest(artifacts, start);
  RunRecord run{.folder = artifacts.empty() ? fs::absolute(junit).parent_path().string()
                                            : fs::absolute(artifacts).string(),
                .info = InfoOf(suite, start)};
  for (const pugi::xml_node& test : suite.children("testcase")) {
    run.records.push_back(RecordOf(test, lines));
    run.info.tests.push_back(run.records.back().id);
    NoteVersions(run.records.back().line, run.info);
  }
  return run;
}

}  // namespace tandem
