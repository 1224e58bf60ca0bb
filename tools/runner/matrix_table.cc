// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/matrix_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <regex>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace tandem {
namespace {

constexpr size_t kTestsNamed = 3;  // of one reason

// Worst first, with what a person calls it.
constexpr std::pair<TestStatus, const char*> kByWeight[] = {
    {TestStatus::kCrashed, "crashed"},   {TestStatus::kTimedOut, "timed out"},
    {TestStatus::kFailed, "failed"},     {TestStatus::kNotRun, "not run"},
    {TestStatus::kKnownDefect, "known"}, {TestStatus::kPassed, "passed"},
    {TestStatus::kSkipped, "skipped"}};

size_t Weight(TestStatus status) {
  auto is = [&](const auto& entry) { return entry.first == status; };
  return static_cast<size_t>(std::find_if(std::begin(kByWeight), std::end(kByWeight), is) -
                             std::begin(kByWeight));
}

const char* Word(TestStatus status) { return kByWeight[Weight(status)].second; }

// A failure's first line says where it was found; the line that tells most has a status in it.
std::string ShortReason(const TestRecord& record) {
  std::vector<std::string> lines = absl::StrSplit(record.reason, '\n', absl::SkipWhitespace());
  bool is_place = lines.size() > 1 && record.status == TestStatus::kFailed;
  auto begin = lines.begin() + (is_place ? 1 : 0);
  static const std::regex kTelling("^ *(Actual:|[A-Z_]+: ).*");
  auto telling = record.status != TestStatus::kFailed
                     ? lines.end()
                     : std::find_if(begin, lines.end(), [](const std::string& line) {
                         return std::regex_match(line, kTelling);
                       });
  if (telling != lines.end()) begin = telling;
  return begin == lines.end() ? "" : std::string(absl::StripAsciiWhitespace(*begin));
}

// The worst attempt at each test, by id.
std::map<std::string, const TestRecord*> WorstAttempts(const std::vector<TestRecord>& records) {
  std::map<std::string, const TestRecord*> worst;
  for (const TestRecord& record : records) {
    const TestRecord*& known = worst[record.id];
    if (!known || Weight(record.status) < Weight(known->status)) known = &record;
  }
  return worst;
}

void AddOnce(std::vector<std::string>& texts, const std::string& text) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

// Of the pairs in their order, so that the reasons' pairs are in it, too.
std::vector<MatrixReason> ReasonsOf(const std::map<std::string, const TestRecord*>& attempts,
                                    const std::vector<std::string>& pairs) {
  std::map<std::pair<size_t, std::string>, MatrixReason> reasons;
  for (const std::string& pair : pairs) {
    for (const auto& [id, record] : attempts) {
      if (record->status == TestStatus::kPassed || record->pair != pair) continue;
      std::string why = record->fingerprint.empty() ? ShortReason(*record) : record->fingerprint;
      MatrixReason& reason = reasons[{Weight(record->status), why}];
      if (++reason.count == 1) reason.reason = ShortReason(*record);
      reason.status = record->status;
      AddOnce(reason.pairs, pair);
      AddOnce(reason.tests, id.substr(std::min(id.size(), pair.size() + 1)));
    }
  }
  std::vector<MatrixReason> sorted;
  for (auto& [key, reason] : reasons) sorted.push_back(std::move(reason));
  return sorted;
}

using Row = std::vector<std::string>;

// Bytes are not columns: count the characters of UTF-8.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string RenderTable(std::vector<Row> rows) {
  std::vector<size_t> widths(rows.front().size());
  for (Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = absl::StrReplaceAll(row[i], {{"|", "\\|"}});
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < widths.size(); ++i) {
      text += "| " + rows[r][i] + std::string(widths[i] - Width(rows[r][i]) + 1, ' ');
    }
    text += "|\n";
    if (r > 0) continue;
    for (size_t width : widths) text += "|" + std::string(width + 2, '-');
    text += "|\n";
  }
  return text;
}

std::string RenderReason(const MatrixReason& reason) {
  size_t named = std::min(kTestsNamed, reason.tests.size());
  std::string tests = absl::StrJoin(reason.tests.begin(), reason.tests.begin() + named, ", ");
  if (reason.tests.size() > named) {
    tests += fmt::format(" and {} more", reason.tests.size() - named);
  }
  std::string pairs = absl::StrReplaceAll(absl::StrJoin(reason.pairs, ", "), {{":", " → "}});
  return fmt::format("- {} {}: {}\n  {}\n  {}\n", reason.count, Word(reason.status), reason.reason,
                     pairs, tests);
}

}  // namespace

std::string PairName(const std::string& source, const std::string& destination) {
  return source + ":" + destination;
}

TestStatus MatrixCell::verdict() const {
  for (const auto& [status, word] : kByWeight) {
    if (counts.contains(status)) return status;
  }
  return TestStatus::kNotRun;
}

std::string MatrixCell::Text() const {
  std::vector<std::string> parts;
  for (const auto& [status, word] : kByWeight) {
    auto count = counts.find(status);
    if (count != counts.end()) parts.push_back(fmt::format("{} {}", count->second, word));
  }
  return parts.empty() ? "–" : absl::StrJoin(parts, ", ");
}

std::vector<std::string> MatrixNames(const RunRecord& run) {
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  std::set<std::string> pairs;
  for (const TestRecord& record : run.records) pairs.insert(record.pair);
  for (const std::string& id : run.info.tests) {
    std::string pair = id.substr(0, id.find('/'));
    if (pair.empty() || !pairs.contains(pair)) continue;
    for (const std::string& name : std::vector<std::string>(absl::StrSplit(pair, ':'))) add(name);
  }
  return names;
}

MatrixTable MakeMatrixTable(const std::vector<TestRecord>& records,
                            const std::vector<std::string>& names) {
  MatrixTable table{.names = names};
  auto attempts = WorstAttempts(records);
  std::vector<std::string> pairs;
  for (const std::string& source : names) {
    for (const std::string& destination : names) {
      MatrixCell& cell = table.cells[{source, destination}];
      pairs.push_back(PairName(source, destination));
      for (const auto& [id, record] : attempts) {
        if (record->pair == pairs.back()) ++cell.counts[record->status];
      }
    }
  }
  table.reasons = ReasonsOf(attempts, pairs);
  return table;
}

std::string RenderMatrix(const MatrixTable& table) {
  std::vector<Row> rows = {{"source ↓ destination →"}};
  rows.front().insert(rows.front().end(), table.names.begin(), table.names.end());
  for (const std::string& source : table.names) {
    Row row = {source};
    for (const std::string& destination : table.names) {
      auto cell = table.cells.find({source, destination});
      row.push_back(cell == table.cells.end() ? MatrixCell().Text() : cell->second.Text());
    }
    rows.push_back(std::move(row));
  }
  std::string text = RenderTable(std::move(rows));
  if (!table.reasons.empty()) text += "\n";
  for (const MatrixReason& reason : table.reasons) text += RenderReason(reason);
  return text;
}

}  // namespace tandem
