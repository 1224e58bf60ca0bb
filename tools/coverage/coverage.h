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
#include "tools/coverage/skip_excuse.h"

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
  std::vector<SkipExcuse> not_here;               // which skips are a machine's or a QEMU's lack
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
  // Row → "Suite.Test" → how many variants of it say that they cover the row.
  std::map<std::string, std::map<std::string, int>> tests;
  std::map<std::string, std::set<std::string>> rows;  // full name of a test → rows
  CoverageDecisions decisions;
  // Sentences: a row without a test, a test without a row, a row or decision that is unknown.
  std::vector<std::string> problems;
};

// Joins the three. What does not fit together stands in `problems`.
Coverage JoinCoverage(Catalogue catalogue, const std::vector<ListedTest>& tests,
                      CoverageDecisions decisions);

// What a run on one QEMU showed. A value.
struct RunCoverage {
  std::string version;
  // Rows whose tests were all skipped, and why.
  std::map<std::string, std::string> skipped;
  // kind → names that the binary has and no test used.
  std::map<std::string, std::set<std::string>> untouched;
  // Rows that have tests, of which none ran, or all were skipped and nothing says why.
  // And names untouched without a decision that says why.
  std::vector<std::string> problems;
};

// On the QEMU that the decisions were made for nothing else excuses what was left out: a test that
// asks for an ability of a wrong name would skip for ever. Another binary may lack what its schema
// does not have, and what no test used of it is only listed.
enum class RunOn { kDefaultQemu, kOtherQemu };

// `results` are lines of results.jsonl; those with other versions than the binary's on one of the
// sides are passed over, as are tests that the suites do not list.
// FailedPrecondition when none is left.
absl::StatusOr<RunCoverage> JoinRun(const Coverage& coverage, const std::vector<Json>& results,
                                    const BinaryFacts& facts, RunOn on);

// docs/coverage.md. The part about a run begins with kRunHeading.
std::string RenderCoverage(const Coverage& coverage, const std::optional<RunCoverage>& run);
inline constexpr std::string_view kRunHeading = "\n## On QEMU ";

}  // namespace tandem
