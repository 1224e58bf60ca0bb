// SPDX-License-Identifier: Apache-2.0
// docs/parity.json: each test of QEMU's own suites, and Tandem's tests that cover it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/coverage/coverage.h"

namespace tandem {

// Some tests of QEMU, and what covers them. A value.
struct ParityRow {
  std::vector<std::string> peer;   // "/migration/precopy/unix/plain"
  std::vector<std::string> tests;  // "Suite.Test", or one variant: "Suite.Test/Parameter"
  std::string note;                // what Tandem's do beyond that, or why there are none; Markdown
};

// The rows under one heading. A value.
struct ParitySection {
  std::string title;
  std::vector<ParityRow> rows;
};

// The whole page. A value.
struct Parity {
  std::string text;  // below the heading, Markdown
  std::vector<ParitySection> sections;

  // From docs/parity.json. InvalidArgument names what is unknown in it.
  static absl::StatusOr<Parity> Parse(std::string_view json);
};

// Sentences: a test of Tandem that does not exist, a row that says nothing, a test of QEMU in two
// rows.
std::vector<std::string> CheckParity(const Parity& parity, const std::vector<ListedTest>& tests);

// Sentences: tests of QEMU's migration-test, as it lists them (`migration-test -l`, a path in each
// line), that are in no row.
std::vector<std::string> CompareWithPeer(const Parity& parity, std::string_view listing);

// docs/parity.md.
std::string RenderParity(const Parity& parity);

}  // namespace tandem
