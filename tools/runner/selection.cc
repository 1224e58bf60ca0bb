// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/selection.h"

#include <algorithm>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

bool MatchesPattern(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p, ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;  // the star takes one more
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchesAny(std::string_view patterns, const std::vector<std::string>& names) {
  std::vector<std::string> all = absl::StrSplit(std::string(patterns), ':');
  for (const std::string& one : all) {
    for (const std::string& name : names) {
      if (MatchesPattern(one, name)) return true;
    }
  }
  return false;
}

bool HasOneOf(const PlannedTest& test, const std::vector<std::string>& labels) {
  return std::any_of(labels.begin(), labels.end(),
                     [&](const std::string& label) { return HasLabel(test, label); });
}

// A pair's name, and a file's, may hold what separates patterns: "7.2:11.1/*", "dirty-log.test".
bool Matches(std::string filter, const PlannedTest& test) {
  if (filter == test.id) return true;
  if (!test.pair.empty()) {
    std::string same_in_patterns = test.pair;
    for (char& c : same_in_patterns) c = c == ':' || c == '-' ? '?' : c;
    absl::StrReplaceAll({{test.pair + "/", same_in_patterns + "/"}}, &filter);
  }
  return MatchesFilter(filter, {test.test, test.id});
}

absl::Status CheckLabels(const std::vector<PlannedTest>& tests, const Selection& selection) {
  std::set<std::string> known = {"slow", "disabled"};
  for (const PlannedTest& test : tests) known.insert(test.labels.begin(), test.labels.end());
  for (const auto* labels : {&selection.labels, &selection.excluded_labels}) {
    for (const std::string& label : *labels) {
      if (known.contains(label)) continue;
      return MakeError(absl::StatusCode::kInvalidArgument,
                       "no test has the label '{}'; the labels are: {}", label,
                       fmt::join(known, " "));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFilters(const std::vector<PlannedTest>& tests, const Selection& selection) {
  for (const std::string& filter : selection.filters) {
    if (std::any_of(tests.begin(), tests.end(),
                    [&](const PlannedTest& test) { return Matches(filter, test); })) {
      continue;
    }
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "no test matches the filter '{}'; see tandem run --list", filter);
  }
  return absl::OkStatus();
}

bool IsWanted(const PlannedTest& test, const Selection& selection) {
  auto labelled = [&](const char* label) {
    return std::find(selection.labels.begin(), selection.labels.end(), label) !=
           selection.labels.end();
  };
  const std::vector<std::string>& filters = selection.filters;
  if (HasLabel(test, "disabled") && !labelled("disabled")) return false;
  bool slow_is_wanted = labelled("slow") || !filters.empty() || selection.ids;
  if (HasLabel(test, "slow") && !slow_is_wanted) return false;
  if (selection.ids && !selection.ids->contains(test.id)) return false;
  if (!selection.labels.empty() && !HasOneOf(test, selection.labels)) return false;
  if (HasOneOf(test, selection.excluded_labels)) return false;
  return filters.empty() || std::any_of(filters.begin(), filters.end(),
                                        [&](const auto& filter) { return Matches(filter, test); });
}

}  // namespace

bool HasLabel(const PlannedTest& test, const std::string& label) {
  return std::find(test.labels.begin(), test.labels.end(), label) != test.labels.end();
}

bool MatchesFilter(std::string_view filter, const std::vector<std::string>& names) {
  size_t dash = filter.find('-');
  std::string_view positive = filter.substr(0, dash);
  if (!positive.empty() && !MatchesAny(positive, names)) return false;
  return dash == std::string_view::npos || !MatchesAny(filter.substr(dash + 1), names);
}

absl::StatusOr<std::vector<PlannedTest>> SelectTests(const std::vector<PlannedTest>& tests,
                                                     const Selection& selection) {
  TANDEM_RETURN_IF_ERROR(CheckLabels(tests, selection));
  TANDEM_RETURN_IF_ERROR(CheckFilters(tests, selection));
  std::vector<PlannedTest> chosen;
  for (const PlannedTest& test : tests) {
    if (IsWanted(test, selection)) chosen.push_back(test);
  }
  if (!chosen.empty()) return chosen;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "nothing is left of {} tests: no test fits all of what was asked for",
                   tests.size());
}

absl::StatusOr<std::set<std::string>> FailedTestsOf(const RunRecord& run) {
  std::set<std::string> told, failed;
  for (const TestRecord& record : run.records) {
    told.insert(record.id);
    bool is_good = record.status == TestStatus::kPassed || record.status == TestStatus::kSkipped ||
                   record.status == TestStatus::kKnownDefect;
    if (!is_good) failed.insert(record.id);
  }
  for (const std::string& id : run.info.tests) {
    if (!told.contains(id)) failed.insert(id);  // the run was killed before
  }
  if (!failed.empty()) return failed;
  return MakeError(absl::StatusCode::kInvalidArgument, "no test failed in the run {}", run.folder);
}

}  // namespace tandem
