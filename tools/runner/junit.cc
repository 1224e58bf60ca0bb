// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/report/text.h"
#include "tools/runner/failure_groups.h"
#include "tools/runner/xml_writer.h"

namespace tandem {
namespace {

// What an engine shows in a line, and beside a failure; some refuse a file of many megabytes.
constexpr size_t kMessageBytes = 400;
constexpr size_t kReasonBytes = 16'384;
constexpr size_t kOutputBytes = 16'384;

using Attributes = XmlWriter::Attributes;

struct Suite {
  std::string name;
  std::vector<TestRecord> records;
};

// Engines show tests by these two and take those of the same two for one.
struct CaseName {
  std::string class_name, name;
};

std::string WithPair(const TestRecord& record, const std::string& name) {
  return record.pair.empty() ? name : record.pair + "/" + name;
}

// "precopy.PrecopyTest" and "GuestResumes/Pc"; of a testcase file its path.
CaseName NameOf(const TestRecord& record) {
  CaseName name{.class_name = WithPair(record, record.family), .name = record.id};
  std::string prefix = name.class_name + ".";
  if (record.id.starts_with(prefix)) {
    std::string rest = record.id.substr(prefix.size());
    size_t dot = rest.find('.');
    if (dot != std::string::npos) name.class_name = prefix + rest.substr(0, dot);
    name.name = dot == std::string::npos ? rest : rest.substr(dot + 1);
  }
  if (record.attempt > 1) name.name += fmt::format(" (attempt {})", record.attempt);
  return name;
}

// Those that the run did not come to are added.
std::vector<TestRecord> AllRecords(const RunRecord& run) {
  std::vector<TestRecord> records = run.records;
  std::map<std::string, bool> seen;
  for (const TestRecord& record : records) seen[record.id] = true;
  for (const std::string& id : run.info.tests) {
    if (seen[id]) continue;
    std::string why = run.info.interrupted.empty() ? "its end" : run.info.interrupted;
    records.push_back(NotRunRecord(id, "the run ended before this test: " + why));
  }
  return records;
}

std::vector<Suite> Suites(const RunRecord& run) {
  std::vector<Suite> suites;
  std::map<std::string, size_t> index;
  for (TestRecord& record : AllRecords(run)) {
    std::string name = WithPair(record, record.family);
    auto [at, is_new] = index.emplace(name, suites.size());
    if (is_new) suites.push_back({.name = name});
    suites[at->second].records.push_back(std::move(record));
  }
  return suites;
}

bool IsSkip(TestStatus status) {
  return status == TestStatus::kSkipped || status == TestStatus::kKnownDefect;
}

bool IsError(TestStatus status) { return IsFailure(status) && status != TestStatus::kFailed; }

// name, tests, failures, errors, skipped, time.
Attributes Counts(const std::string& name, const std::vector<TestRecord>& records) {
  auto count = [&](auto is_one) {
    return std::to_string(std::count_if(records.begin(), records.end(), is_one));
  };
  double seconds = 0;
  for (const TestRecord& record : records) seconds += record.seconds;
  return {{"name", name},
          {"tests", std::to_string(records.size())},
          {"failures", count([](const auto& r) { return r.status == TestStatus::kFailed; })},
          {"errors", count([](const auto& r) { return IsError(r.status); })},
          {"skipped", count([](const auto& r) { return IsSkip(r.status); })},
          {"time", fmt::format("{:.3f}", seconds)}};
}

// The end of a file: that is where it failed.
std::string EndOf(const std::string& path) {
  std::string text = ReadTextFile(path);
  if (text.size() <= kOutputBytes) return text;
  size_t line = text.find('\n', text.size() - kOutputBytes);
  size_t from = line == std::string::npos ? text.size() - kOutputBytes : line + 1;
  return fmt::format("… {} bytes left out\n{}", from, std::string_view(text).substr(from));
}

void AddOutputs(XmlWriter& xml, const std::string& folder) {
  for (auto [element, file] :
       {std::pair("system-out", "stdout.txt"), {"system-err", "stderr.txt"}}) {
    std::string text = EndOf(folder + "/" + file);
    if (!text.empty()) xml.Element(element, {}, text);
  }
}

void AddCase(XmlWriter& xml, const RunRecord& run, const TestRecord& record) {
  CaseName name = NameOf(record);
  Attributes attributes = {{"name", name.name},
                           {"classname", name.class_name},
                           {"time", fmt::format("{:.3f}", record.seconds)}};
  if (record.status == TestStatus::kPassed) {
    xml.Element("testcase", attributes, "");
    return;
  }
  xml.Open("testcase", attributes);
  std::string reason = ReasonOf(record);
  Attributes what = {{"message", Shorten(reason, kMessageBytes)},
                     {"type", std::string(StatusName(record.status))}};
  if (IsSkip(record.status)) {
    xml.Element("skipped", what, "");
  } else {
    std::string text = Shorten(reason, kReasonBytes);
    if (!record.output.empty()) text += "\nevidence: " + record.output;
    xml.Element(IsError(record.status) ? "error" : "failure", what, text);
    if (!record.output.empty()) AddOutputs(xml, run.folder + "/" + record.output);
  }
  xml.Close();
}

void AddProperties(XmlWriter& xml, const RunInfo& info) {
  auto add = [&](const std::string& name, const std::string& value) {
    xml.Element("property", {{"name", name}, {"value", value}}, "");
  };
  xml.Open("properties", {});
  add("command", fmt::format("{}", fmt::join(info.command, " ")));
  add("seed", std::to_string(info.seed));
  add("shard", fmt::format("{}/{}", info.shard_index, info.shard_count));
  for (const auto& [name, value] : info.host) add("host." + name, value);
  for (const auto& [name, value] : info.qemu) add("qemu." + name, value);
  xml.Close();
}

}  // namespace

std::string JunitXml(const RunRecord& run) {
  XmlWriter xml;
  Attributes totals = Counts("tandem", AllRecords(run));
  std::erase_if(totals, [](const auto& attribute) { return attribute.first == "skipped"; });
  xml.Open("testsuites", totals);  // to have `skipped` is not usual here
  constexpr size_t kSecondsEnd = std::string_view("2026-01-02T03:04:05").size();
  for (const Suite& suite : Suites(run)) {
    Attributes attributes = Counts(suite.name, suite.records);
    if (run.info.started.size() >= kSecondsEnd) {
      attributes.emplace_back("timestamp", run.info.started.substr(0, kSecondsEnd));
    }
    xml.Open("testsuite", attributes);
    AddProperties(xml, run.info);
    for (const TestRecord& record : suite.records) AddCase(xml, run, record);
    xml.Close();
  }
  xml.Close();
  return xml.text();
}

absl::Status WriteJunit(const RunRecord& run) {
  return WriteTextFile(run.folder + "/junit.xml", JunitXml(run));
}

}  // namespace tandem
