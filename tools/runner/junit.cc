// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/report/text.h"
#include "tools/runner/failure_groups.h"

namespace tandem {
namespace {

// What an engine shows in a line, and beside a failure; some refuse a file of many megabytes.
constexpr size_t kMessageBytes = 400;
constexpr size_t kReasonBytes = 16'384;
constexpr size_t kOutputBytes = 16'384;

using Attributes = std::vector<std::pair<const char*, std::string>>;

// The two characters of three bytes that are valid UTF-8, but not XML: U+FFFE and U+FFFF.
constexpr std::string_view kNonCharacter = "\xEF\xBF";

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

// An element with these attributes, and with text where there is any.
pugi::xml_node Add(pugi::xml_node& parent, const char* name, const Attributes& attributes,
                   const std::string& text = "") {
  pugi::xml_node node = parent.append_child(name);
  for (const auto& [key, value] : attributes) {
    node.append_attribute(key) = XmlCharacters(value).c_str();
  }
  if (!text.empty()) node.text() = XmlCharacters(text).c_str();
  return node;
}

void AddOutputs(pugi::xml_node& test, const std::string& folder) {
  for (auto [element, file] :
       {std::pair("system-out", "stdout.txt"), {"system-err", "stderr.txt"}}) {
    std::string text = EndOf(folder + "/" + file);
    if (!text.empty()) Add(test, element, {}, text);
  }
}

void AddCase(pugi::xml_node& suite, const RunRecord& run, const TestRecord& record) {
  CaseName name = NameOf(record);
  pugi::xml_node test = Add(suite, "testcase",
                            {{"name", name.name},
                             {"classname", name.class_name},
                             {"time", fmt::format("{:.3f}", record.seconds)}});
  if (record.status == TestStatus::kPassed) return;
  std::string reason = ReasonOf(record);
  Attributes what = {{"message", Shorten(reason, kMessageBytes)},
                     {"type", std::string(StatusName(record.status))}};
  if (IsSkip(record.status)) {
    Add(test, "skipped", what);
    return;
  }
  std::string text = Shorten(reason, kReasonBytes);
  if (!record.output.empty()) text += "\nevidence: " + record.output;
  Add(test, IsError(record.status) ? "error" : "failure", what, text);
  if (!record.output.empty()) AddOutputs(test, run.folder + "/" + record.output);
}

void AddProperties(pugi::xml_node& suite, const RunInfo& info) {
  pugi::xml_node properties = suite.append_child("properties");
  auto add = [&](const std::string& name, const std::string& value) {
    Add(properties, "property", {{"name", name}, {"value", value}});
  };
  add("command", fmt::format("{}", fmt::join(info.command, " ")));
  add("seed", std::to_string(info.seed));
  add("shard", fmt::format("{}/{}", info.shard_index, info.shard_count));
  for (const auto& [name, value] : info.host) add("host." + name, value);
  for (const auto& [name, value] : info.qemu) add("qemu." + name, value);
}

bool IsAllowed(char c) {
  return static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

std::string XmlCharacters(std::string_view text) {
  std::string valid = ValidUtf8(text), allowed;
  for (size_t i = 0; i < valid.size(); ++i) {
    bool is_non_character = valid.compare(i, kNonCharacter.size(), kNonCharacter) == 0 &&
                            (valid[i + 2] == '\xBE' || valid[i + 2] == '\xBF');
    if (is_non_character) {
      i += 2;
    } else if (IsAllowed(valid[i])) {
      allowed += valid[i];
    }
  }
  return allowed;
}

std::string JunitXml(const RunRecord& run) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  Attributes totals = Counts("tandem", AllRecords(run));
  std::erase_if(totals, [](const auto& attribute) {
    return attribute.first == std::string_view("skipped");  // is not usual here
  });
  pugi::xml_node suites = Add(document, "testsuites", totals);
  constexpr size_t kSecondsEnd = std::string_view("2026-01-02T03:04:05").size();
  for (const Suite& suite : Suites(run)) {
    Attributes attributes = Counts(suite.name, suite.records);
    if (run.info.started.size() >= kSecondsEnd) {
      attributes.emplace_back("timestamp", run.info.started.substr(0, kSecondsEnd));
    }
    pugi::xml_node node = Add(suites, "testsuite", attributes);
    AddProperties(node, run.info);
    for (const TestRecord& record : suite.records) AddCase(node, run, record);
  }
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent, pugi::encoding_utf8);
  return text.str();
}

absl::Status WriteJunit(const RunRecord& run) {
  return ReplaceTextFile(run.folder + "/junit.xml", JunitXml(run));
}

}  // namespace tandem
