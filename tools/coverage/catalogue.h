// SPDX-License-Identifier: Apache-2.0
// The scenario catalogue (docs/scenarios.md) as data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

// One row of a table whose first column is an id: "A1", "I1–I8". A value.
struct CatalogueRow {
  std::string id;
  std::string scenario;  // the second column, Markdown
};

// The rows under one heading of the second level. A value.
struct CatalogueSection {
  std::string title;  // "A. Precopy"
  std::vector<CatalogueRow> rows;
};

// The sections that have rows with ids, in their order; other tables and texts are passed over.
std::vector<CatalogueSection> ParseCatalogue(std::string_view markdown);

}  // namespace tandem
