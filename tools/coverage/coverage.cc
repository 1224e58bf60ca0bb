// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/coverage.h"

#include <algorithm>

#include "lib/base/status.h"
#include "tools/coverage/abilities.h"

namespace tandem {
namespace {

// "Prefix/Suite.Test/Parameter" → "Suite.Test".
std::string BaseName(const std::string& name) {
  size_t dot = name.find('.');
  size_t prefix = name.find('/');
  size_t start = prefix < dot ? prefix + 1 : 0;
  size_t end = dot == std::string::npos ? dot : name.find('/', dot);
  return name.substr(start, end == std::string::npos ? end : end - start);
}

std::string SuiteOf(const std::string& base_name) {
  return base_name.substr(0, base_name.find('.'));
}

std::set<std::string> RowIds(const std::vector<CatalogueSection>& catalogue) {
  std::set<std::string> ids;
  for (const CatalogueSection& section : catalogue) {
    for (const CatalogueRow& row : section.rows) {
      for (const std::string& id : row.ids()) ids.insert(id);
    }
  }
  return ids;
}

std::map<std::string, std::string> TextMap(const Json& object) {
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : object.members()) map[name] = value.Text();
  return map;
}

void CheckTests(const std::vector<ListedTest>& tests, const std::set<std::string>& ids,
                Coverage& coverage) {
  std::set<std::string> suites;
  std::set<std::string> silent;
  for (const ListedTest& test : tests) {
    std::string base = BaseName(test.name);
    suites.insert(SuiteOf(base));
    bool is_ours = coverage.decisions.test_of_us.contains(SuiteOf(base));
    if (test.rows.empty() && !is_ours) silent.insert(base);
    for (const std::string& row : test.rows) {
      if (ids.contains(row)) {
        if (coverage.rows[test.name].insert(row).second) ++coverage.tests[row][base];
      } else {
        silent.insert(base + " (row " + row + " is not in the catalogue)");
      }
    }
  }
  for (const std::string& test : silent) {
    coverage.problems.push_back(test + " names no row: add TANDEM_COVERS");
  }
  for (const auto& [suite, why] : coverage.decisions.test_of_us) {
    if (!suites.contains(suite)) coverage.problems.push_back("there is no suite " + suite);
  }
}

void CheckRows(const std::set<std::string>& ids, Coverage& coverage) {
  const CoverageDecisions& decisions = coverage.decisions;
  for (const std::string& id : ids) {
    bool is_tested = coverage.tests.contains(id);
    bool is_decided = decisions.planned.contains(id) || decisions.elsewhere.contains(id);
    if (!is_tested && !is_decided) coverage.problems.push_back("row " + id + " has no test");
    if (is_tested && decisions.planned.contains(id)) {
      coverage.problems.push_back("row " + id + " has a test and is no longer planned");
    }
  }
  std::set<std::string> decided;
  for (const auto* rows : {&decisions.planned, &decisions.elsewhere, &decisions.partial}) {
    for (const auto& [id, why] : *rows) decided.insert(id);
  }
  for (const SkipExcuse& excuse : decisions.not_here) {
    decided.insert(excuse.rows.begin(), excuse.rows.end());
  }
  for (const std::string& id : decided) {
    if (!ids.contains(id)) coverage.problems.push_back("there is no row " + id + " to decide on");
  }
}

// Of the tests of one row.
struct RowOutcome {
  int judged = 0;                              // ran to a verdict, a known defect among them
  std::map<std::string, SkippedTest> skipped;  // by full name
};

bool RanOn(const Json& result, const std::string& version) {
  auto roles = result["versions"].members();
  return !roles.empty() && std::all_of(roles.begin(), roles.end(), [&](const auto& role) {
    return role.second.Text() == version;
  });
}

bool IsJudged(const Json& result) {
  static const std::set<std::string> kJudged = {"PASSED", "FAILED", "KNOWN_DEFECT", "TIMED_OUT",
                                                "CRASHED"};
  return kJudged.contains(result["status"].Text());
}

// Why a row may have been skipped by this test, by the schema if it may lack something; empty when
// nobody knows.
std::string WhyNotHere(const Coverage& coverage, const QmpSchema* schema, const std::string& row,
                       const SkippedTest& skipped) {
  if (schema != nullptr && LacksBySchema(skipped.reason, *schema)) {
    return "the binary lacks it, by its schema";
  }
  for (const SkipExcuse& excuse : coverage.decisions.not_here) {
    if (excuse.on_other_qemu && schema == nullptr) continue;
    if (excuse.Covers(row, skipped)) return excuse.why;
  }
  return "";
}

void AddTo(RowOutcome& outcome, const Json& result) {
  if (IsJudged(result)) ++outcome.judged;
  if (result["status"].Text() != "SKIPPED") return;
  outcome.skipped[result["test"].Text()] = {result["reason"].Text(), result["accelerator"].Text()};
}

// The tests of a row that a whole run without the slow ones runs.
std::vector<std::string> TestsToRun(const Coverage& coverage, const std::string& row) {
  std::vector<std::string> tests;
  for (const auto& [test, rows] : coverage.rows) {
    bool is_slow = test.substr(0, std::min(test.find('/'), test.find('.'))).ends_with("Slow");
    if (rows.contains(row) && !is_slow) tests.push_back(test);
  }
  return tests;
}

void JudgeSkippedRow(const Coverage& coverage, const QmpSchema* schema, const std::string& row,
                     const RowOutcome& outcome, RunCoverage& run) {
  for (const std::string& test : TestsToRun(coverage, row)) {
    auto skipped = outcome.skipped.find(test);
    if (skipped == outcome.skipped.end()) {
      run.problems.push_back(fmt::format("row {}: no test of it was run, {} for one", row, test));
      return;
    }
    std::string why = WhyNotHere(coverage, schema, row, skipped->second);
    const auto& [reason, accelerator] = skipped->second;
    run.skipped[row] = fmt::format("{} ({})", why.empty() ? "**why is not decided**" : why, reason);
    if (!why.empty()) continue;
    run.problems.push_back(
        fmt::format("row {}: every test was skipped, with {}: {}", row, accelerator, reason));
    return;
  }
}

void MissUntouched(const CoverageDecisions& decisions, RunCoverage& run) {
  for (const auto& [kind, names] : run.untouched) {
    auto decided = decisions.untouched.find(kind);
    for (const std::string& name : names) {
      if (decided != decisions.untouched.end() && decided->second.contains(name)) continue;
      run.problems.push_back(fmt::format("{}: no test used {}", kind, name));
    }
  }
}

// A cell of a table, which a bar would end.
std::string Cell(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '|', '/');
  return text;
}

std::string TestsOfRow(const Coverage& coverage, const CatalogueRow& row) {
  std::map<std::string, int> tests;
  std::vector<std::string> decisions;
  for (const std::string& id : row.ids()) {
    if (auto found = coverage.tests.find(id); found != coverage.tests.end()) {
      for (const auto& [test, variants] : found->second) tests[test] += variants;
    }
    for (const auto& [rows, word] : {std::pair(&coverage.decisions.planned, "planned: "),
                                     {&coverage.decisions.elsewhere, ""},
                                     {&coverage.decisions.partial, "not yet: "}}) {
      if (auto found = rows->find(id); found != rows->end()) {
        decisions.push_back(word + found->second);
      }
    }
  }
  std::vector<std::string> parts;
  for (const auto& [test, variants] : tests) {
    parts.push_back(variants == 1 ? test : fmt::format("{} × {}", test, variants));
  }
  parts.insert(parts.end(), decisions.begin(), decisions.end());
  return parts.empty() ? "**none**" : fmt::format("{}", fmt::join(parts, "<br>"));
}

std::string RenderRun(const Coverage& coverage, const RunCoverage& run) {
  std::string text = fmt::format("{}{}\n", kRunHeading, run.version);
  text += "\nRows of which every test was skipped:\n\n";
  if (run.skipped.empty()) text += "none\n";
  for (const auto& [id, why] : run.skipped) text += fmt::format("- {}: {}\n", id, Cell(why));
  text += "\nWhat the binary has and no test used:\n\n| kind | name | why |\n|---|---|---|\n";
  for (const auto& [kind, names] : run.untouched) {
    auto decided = coverage.decisions.untouched.find(kind);
    for (const std::string& name : names) {
      std::string why = "**not decided**";
      if (decided != coverage.decisions.untouched.end() && decided->second.contains(name)) {
        why = decided->second.at(name);
      }
      text += fmt::format("| {} | `{}` | {} |\n", kind, name, why);
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<CoverageDecisions> CoverageDecisions::Parse(std::string_view text) {
  TANDEM_ASSIGN_OR_RETURN(Json json, Json::Parse(text));
  CoverageDecisions decisions;
  for (const auto& [name, value] : json.members()) {
    if (name == "planned") {
      decisions.planned = TextMap(value);
    } else if (name == "elsewhere") {
      decisions.elsewhere = TextMap(value);
    } else if (name == "not_here") {
      for (const Json& each : value.elements()) {
        TANDEM_ASSIGN_OR_RETURN(SkipExcuse excuse, SkipExcuse::Parse(each));
        decisions.not_here.push_back(std::move(excuse));
      }
    } else if (name == "partial") {
      decisions.partial = TextMap(value);
    } else if (name == "tests_of_tandem") {
      decisions.test_of_us = TextMap(value);
    } else if (name == "untouched") {
      for (const auto& [kind, names] : value.members()) decisions.untouched[kind] = TextMap(names);
    } else {
      return MakeError(absl::StatusCode::kInvalidArgument, "unknown member {}", name);
    }
  }
  return decisions;
}

Coverage JoinCoverage(Catalogue catalogue, const std::vector<ListedTest>& tests,
                      CoverageDecisions decisions) {
  Coverage coverage;
  coverage.catalogue = std::move(catalogue.sections);
  coverage.problems = std::move(catalogue.problems);
  coverage.decisions = std::move(decisions);
  std::set<std::string> ids = RowIds(coverage.catalogue);
  if (ids.empty()) coverage.problems.emplace_back("the catalogue has no rows");
  CheckTests(tests, ids, coverage);
  CheckRows(ids, coverage);
  return coverage;
}

absl::StatusOr<RunCoverage> JoinRun(const Coverage& coverage, const std::vector<Json>& results,
                                    const BinaryFacts& facts, RunOn on) {
  RunCoverage run;
  run.version = facts.version;
  std::map<std::string, RowOutcome> outcomes;
  run.untouched = AbilitiesOf(facts.schema);
  int lines = 0;
  for (const Json& result : results) {
    auto rows = coverage.rows.find(result["test"].Text());
    if (!RanOn(result, facts.version)) continue;
    ++lines;
    for (const auto& [kind, names] : result["exercised"].members()) {
      for (const Json& name : names.elements()) run.untouched[kind].erase(name.Text());
    }
    if (rows == coverage.rows.end()) continue;
    for (const std::string& row : rows->second) AddTo(outcomes[row], result);
  }
  if (lines == 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "the results have no test on QEMU {}",
                     facts.version);
  }
  const QmpSchema* schema = on == RunOn::kOtherQemu ? &facts.schema : nullptr;
  for (const auto& [row, tests] : coverage.tests) {
    if (outcomes[row].judged == 0) JudgeSkippedRow(coverage, schema, row, outcomes[row], run);
  }
  if (on == RunOn::kDefaultQemu) MissUntouched(coverage.decisions, run);
  return run;
}

std::string RenderCoverage(const Coverage& coverage, const std::optional<RunCoverage>& run) {
  std::string text =
      "# Coverage\n\nGenerated by `./dev coverage` from docs/scenarios.md, what the tests say that "
      "they cover (`TANDEM_COVERS`) and the decisions in docs/coverage.json. `× N`: N variants.\n";
  for (const CatalogueSection& section : coverage.catalogue) {
    text += fmt::format("\n## {}\n| id | scenario | tests |\n|---|---|---|\n", section.title);
    for (const CatalogueRow& row : section.rows) {
      text += fmt::format("| {} | {} | {} |\n", row.id, row.scenario, TestsOfRow(coverage, row));
    }
  }
  if (run) text += RenderRun(coverage, *run);
  return text;
}

}  // namespace tandem
