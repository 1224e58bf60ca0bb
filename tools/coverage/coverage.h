// SPDX-License-Identifier: Apache-2.0
// Which scenario is covered by which test, which is not, and what of a QEMU's abilities no test
// touched.
//
// Sources: the catalogue; what the suites say of themselves (--tandem_list_scenarios); a file of
// decisions (docs/coverage.json); for one QEMU the lines of results.jsonl and its schema.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/qemu/binary_facts.h"
#include "lib/qmp/json.h"
#include "tools/coverage/catalogue.h"

namespace tandem {

// A test as its program lists it. A value.
struct ListedTest {
  std::string name;  // "Prefix/Suite.Test/Parameter"
  std::vector<std::string> rows;
};

// What people decided. A value.
struct CoverageDecisions {
  std::map<std::string, std::string> planned;     // row → which work will bring it
  std::map<std::string, std::string> elsewhere;   // row → what covers it in place of a suite
  std::map<std::string, std::string> not_here;    // row → why it may be skipped everywhere
  std::map<std::string, std::string> partial;     // row with tests → what of it they leave out
  std::map<std::string, std::string> test_of_us;  // "Suite" → why its tests name no row
  // kind ("capabilities", …) → name → why no test touches it
  std::map<std::string, std::map<std::string, std::string>> untouched;

  // From docs/coverage.json. InvalidArgument names what is unknown in it.
  static absl::StatusOr<CoverageDecisions> Parse(std::string_view text);
};

// The rows and their tests. A value.
struct Coverage {
  std::vector<CatalogueSection> catalogue;
  std::map<std::string, std::map<std::string, int>> tests;  // row → "Suite.Test" → variants
  CoverageDecisions decisions;
  // Sentences: a row without a test, a test without a row, a row or decision that is unknown.
  std::vector<std::string> problems;
};

// Joins the three. What does not fit together stands in `problems`.
Coverage JoinCoverage(std::vector<CatalogueSection> catalogue, const std::vector<ListedTest>& tests,
                      CoverageDecisions decisions);

// What a run on one QEMU showed. A value.
struct RunCoverage {
  std::string version;
  // Rows whose tests were all skipped, with a reason of one of them.
  std::map<std::string, std::string> skipped;
  // kind → names that the binary has and no test used.
  std::map<std::string, std::set<std::string>> untouched;
  // Rows skipped and names untouched, without a decision that says why.
  std::vector<std::string> problems;
};

// `results` are lines of results.jsonl; those of other versions than the binary's are passed over.
// FailedPrecondition when none is left.
absl::StatusOr<RunCoverage> JoinRun(const Coverage& coverage, const std::vector<Json>& results,
                                    const BinaryFacts& facts);

// What a binary has of each kind of lib/report/exercised.h.
std::map<std::string, std::set<std::string>> AbilitiesOf(const QmpSchema& schema);

// docs/coverage.md. The part about a run begins with kRunHeading.
std::string RenderCoverage(const Coverage& coverage, const std::optional<RunCoverage>& run);
inline constexpr std::string_view kRunHeading = "\n## On QEMU ";

}  // namespace tandem
