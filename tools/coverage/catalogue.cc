// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/catalogue.h"

#include <regex>
#include <sstream>

namespace tandem {

std::vector<CatalogueSection> ParseCatalogue(std::string_view markdown) {
  static const std::regex kRow(R"(\| ([A-Z][0-9]+(?:–[A-Z][0-9]+)?) \| (.*?) \|.*)");
  std::vector<CatalogueSection> sections;
  CatalogueSection section;
  auto finish = [&] {
    if (!section.rows.empty()) sections.push_back(section);
    section = {};
  };
  std::istringstream lines{std::string(markdown)};
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("## ")) {
      finish();
      section.title = line.substr(3);
    } else if (std::regex_match(line, match, kRow)) {
      section.rows.push_back({match[1], match[2]});
    }
  }
  finish();
  return sections;
}

}  // namespace tandem
