// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/coverage.h"

#include <algorithm>

#include "lib/base/status.h"

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
    for (const CatalogueRow& row : section.rows) ids.insert(row.id);
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
        ++coverage.tests[row][base];
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
  for (const auto* rows :
       {&decisions.planned, &decisions.elsewhere, &decisions.not_here, &decisions.partial}) {
    for (const auto& [id, why] : *rows) {
      if (!ids.contains(id)) coverage.problems.push_back("there is no row " + id + " to decide on");
    }
  }
}

// Of the tests of one row.
struct RowOutcome {
  int judged = 0;  // ran to a verdict, a known defect among them
  std::string skip_reason;
};

bool RanOn(const Json& result, const std::string& version) {
  for (const auto& [role, found] : result["versions"].members()) {
    if (found.Text() == version) return true;
  }
  return false;
}

// A cell of a table, which a bar would end.
std::string Cell(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '|', '/');
  return text;
}

std::string TestsOfRow(const Coverage& coverage, const std::string& id) {
  std::vector<std::string> parts;
  if (auto found = coverage.tests.find(id); found != coverage.tests.end()) {
    for (const auto& [test, variants] : found->second) {
      parts.push_back(variants == 1 ? test : fmt::format("{} × {}", test, variants));
    }
  }
  for (const auto& [rows, word] : {std::pair(&coverage.decisions.planned, "planned: "),
                                   {&coverage.decisions.elsewhere, ""},
                                   {&coverage.decisions.partial, "not yet: "}}) {
    if (auto found = rows->find(id); found != rows->end()) parts.push_back(word + found->second);
  }
  return parts.empty() ? "**none**" : fmt::format("{}", fmt::join(parts, "<br>"));
}

std::string RenderRun(const Coverage& coverage, const RunCoverage& run) {
  std::string text = fmt::format("{}{}\n", kRunHeading, run.version);
  text += "\nRows of which every test was skipped:\n\n";
  if (run.skipped.empty()) text += "none\n";
  for (const auto& [id, reason] : run.skipped) {
    auto decision = coverage.decisions.not_here.find(id);
    text += fmt::format(
        "- {}: {} ({})\n", id,
        decision == coverage.decisions.not_here.end() ? "**why is not decided**" : decision->second,
        Cell(reason));
  }
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
      decisions.not_here = TextMap(value);
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

Coverage JoinCoverage(std::vector<CatalogueSection> catalogue, const std::vector<ListedTest>& tests,
                      CoverageDecisions decisions) {
  Coverage coverage;
  coverage.catalogue = std::move(catalogue);
  coverage.decisions = std::move(decisions);
  std::set<std::string> ids = RowIds(coverage.catalogue);
  if (ids.empty()) coverage.problems.emplace_back("the catalogue has no rows");
  CheckTests(tests, ids, coverage);
  CheckRows(ids, coverage);
  return coverage;
}

std::map<std::string, std::set<std::string>> AbilitiesOf(const QmpSchema& schema) {
  auto set_of = [](const std::vector<std::string>& names) {
    return std::set<std::string>(names.begin(), names.end());
  };
  std::map<std::string, std::set<std::string>> abilities;
  abilities["capabilities"] =
      set_of(schema.ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"}));
  abilities["parameters"] = set_of(schema.Arguments("migrate-set-parameters"));
  abilities["modes"] = set_of(schema.ArgumentEnum("migrate-set-parameters", {"mode"}));
  abilities["statuses"] = set_of(schema.ReturnEnum("query-migrate", {"status"}));
  // `uri` can be asked for nothing, so an old binary has at least these.
  std::vector<std::string> transports =
      schema.ArgumentEnum("migrate", {"channels", "addr", "transport"});
  if (transports.empty()) transports = {"socket", "exec"};
  for (const std::string& transport : transports) {
    if (transport != "socket") {
      abilities["transports"].insert(transport);
      continue;
    }
    // QAPI SocketAddressType.
    for (const std::string& type : schema.ArgumentEnum("nbd-server-start", {"addr", "type"})) {
      abilities["transports"].insert(type == "inet" ? "tcp" : type);
    }
  }
  return abilities;
}

absl::StatusOr<RunCoverage> JoinRun(const Coverage& coverage, const std::vector<Json>& results,
                                    const BinaryFacts& facts) {
  RunCoverage run;
  run.version = facts.version;
  std::map<std::string, RowOutcome> outcomes;
  run.untouched = AbilitiesOf(facts.schema);
  int lines = 0;
  for (const Json& result : results) {
    if (!RanOn(result, facts.version)) continue;
    ++lines;
    for (const Json& row : result["scenarios"].elements()) {
      RowOutcome& outcome = outcomes[row.Text()];
      if (result["status"].Text() != "SKIPPED") ++outcome.judged;
      if (outcome.skip_reason.empty()) outcome.skip_reason = result["reason"].Text();
    }
    for (const auto& [kind, names] : result["exercised"].members()) {
      for (const Json& name : names.elements()) run.untouched[kind].erase(name.Text());
    }
  }
  if (lines == 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "the results have no test on QEMU {}",
                     facts.version);
  }
  for (const auto& [id, outcome] : outcomes) {
    if (outcome.judged > 0) continue;
    run.skipped[id] = outcome.skip_reason;
    if (coverage.decisions.not_here.contains(id)) continue;
    run.problems.push_back(
        fmt::format("row {}: every test was skipped: {}", id, outcome.skip_reason));
  }
  for (const auto& [kind, names] : run.untouched) {
    auto decided = coverage.decisions.untouched.find(kind);
    for (const std::string& name : names) {
      if (decided != coverage.decisions.untouched.end() && decided->second.contains(name)) continue;
      run.problems.push_back(fmt::format("{}: no test used {}", kind, name));
    }
  }
  return run;
}

std::string RenderCoverage(const Coverage& coverage, const std::optional<RunCoverage>& run) {
  std::string text =
      "# Coverage\n\nGenerated by `./dev coverage` from docs/scenarios.md, what the tests say that "
      "they cover (`TANDEM_COVERS`) and the decisions in docs/coverage.json. `× N`: N variants.\n";
  for (const CatalogueSection& section : coverage.catalogue) {
    text += fmt::format("\n## {}\n| id | scenario | tests |\n|---|---|---|\n", section.title);
    for (const CatalogueRow& row : section.rows) {
      text += fmt::format("| {} | {} | {} |\n", row.id, row.scenario, TestsOfRow(coverage, row.id));
    }
  }
  if (run) text += RenderRun(coverage, *run);
  return text;
}

}  // namespace tandem
