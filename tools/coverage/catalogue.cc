// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/catalogue.h"

#include <regex>
#include <set>
#include <sstream>

#include "lib/base/status.h"

namespace tandem {
namespace {

// "| A1 | one | ok |" → "A1", "one", "ok". Empty when the line is no row of a table.
std::vector<std::string> CellsOf(const std::string& line) {
  size_t start = line.find_first_not_of(" \t");
  if (start == std::string::npos || line[start] != '|') return {};
  std::vector<std::string> cells;
  std::istringstream rest(line.substr(start + 1));
  for (std::string cell; std::getline(rest, cell, '|');) {
    size_t first = cell.find_first_not_of(" \t");
    if (first == std::string::npos) first = cell.size();
    cells.push_back(cell.substr(first, cell.find_last_not_of(" \t") + 1 - first));
  }
  return cells;
}

bool IsRule(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("-:") == std::string::npos;
}

class Parser {
 public:
  void Read(const std::string& line) {
    ++line_;
    if (line.starts_with("## ")) {
      Finish();
      section_.title = line.substr(3);
    }
    std::vector<std::string> cells = CellsOf(line);
    if (cells.empty()) {
      in_table_ = false;
    } else if (!in_table_) {
      in_table_ = true;
      has_ids_ = cells[0] == "id";
      if (!has_ids_) CheckForeign(cells[0]);
    } else if (!has_ids_) {
      CheckForeign(cells[0]);
    } else if (!IsRule(cells[0])) {
      Add(cells);
    }
  }

  Catalogue Finish() {
    if (!section_.rows.empty()) catalogue_.sections.push_back(std::move(section_));
    section_ = {};
    return catalogue_;
  }

 private:
  void Add(const std::vector<std::string>& cells) {
    CatalogueRow row{cells[0], cells.size() > 1 ? cells[1] : ""};
    std::vector<std::string> ids = row.ids();
    if (ids.empty()) Complain("the row \"{}\" has no id such as A1 or A1–A8", row.id);
    for (const std::string& id : ids) {
      if (!seen_.insert(id).second) Complain("the row {} is there twice", id);
    }
    if (!ids.empty()) section_.rows.push_back(std::move(row));
  }
  void CheckForeign(const std::string& first_cell) {
    static const std::regex kLikeAnId(R"([A-Za-z][0-9]+[a-z]?)");
    if (std::regex_match(first_cell, kLikeAnId)) {
      Complain("the row {} stands in no table with ids", first_cell);
    }
  }
  template <typename... Args>
  void Complain(fmt::format_string<Args...> sentence, Args&&... args) {
    catalogue_.problems.push_back(fmt::format("scenarios, line {}: {}", line_,
                                              fmt::format(sentence, std::forward<Args>(args)...)));
  }

  int line_ = 0;
  bool in_table_ = false, has_ids_ = false;
  std::set<std::string> seen_;
  CatalogueSection section_;
  Catalogue catalogue_;
};

}  // namespace

std::vector<std::string> CatalogueRow::ids() const {
  static const std::regex kId(R"(([A-Z])([0-9]{1,3})(?:–([A-Z])([0-9]{1,3}))?)");
  std::smatch match;
  if (!std::regex_match(id, match, kId)) return {};
  if (!match[3].matched) return {id};
  std::vector<std::string> ids;
  int last = match[1] == match[3] ? std::stoi(match[4]) : 0;
  for (int number = std::stoi(match[2]); number <= last; ++number) {
    ids.push_back(fmt::format("{}{}", match[1].str(), number));
  }
  return ids;
}

Catalogue ParseCatalogue(std::string_view markdown) {
  Parser parser;
  std::istringstream lines{std::string(markdown)};
  for (std::string line; std::getline(lines, line);) parser.Read(line);
  return parser.Finish();
}

}  // namespace tandem
