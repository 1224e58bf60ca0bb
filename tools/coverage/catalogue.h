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

  // What tests name: "A1"; "I1", "I2", … of a range.
  std::vector<std::string> ids() const;
};

// The rows under one heading of the second level. A value.
struct CatalogueSection {
  std::string title;  // "A. Precopy"
  std::vector<CatalogueRow> rows;
};

// The whole file. A value.
struct Catalogue {
  std::vector<CatalogueSection> sections;  // those that have rows with ids, in their order
  // Sentences: a row of a table with ids that has none, an id that comes twice, a row with an id
  // that is in no such table.
  std::vector<std::string> problems;
};

// Tables whose first column is not called "id", and texts, are passed over.
Catalogue ParseCatalogue(std::string_view markdown);

}  // namespace tandem
