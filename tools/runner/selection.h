// SPDX-License-Identifier: Apache-2.0
// Chooses among the tests that are there.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/runner/planned_test.h"
#include "tools/runner/run_record.h"

namespace tandem {

// What to choose. A value; the default is every test but those that are slow or disabled.
struct Selection {
  std::vector<std::string> filters;          // GoogleTest's; a test that matches one of them
  std::vector<std::string> labels;           // a test that has one of them
  std::vector<std::string> excluded_labels;  // a test that has none of them
  std::optional<std::set<std::string>> ids;  // these alone; of --only-failed
};

// Whether what has these names matches "positive:…-negative:…", with * and ?, as GoogleTest does
// it: some name a positive pattern, and none a negative one.
bool MatchesFilter(std::string_view filter, const std::vector<std::string>& names);

// Whether the test has this very label.
bool HasLabel(const PlannedTest& test, const std::string& label);

// Those chosen, in their order. "slow" tests only when a filter, their label or their id asks for
// them, "disabled" ones only by that label. A filter applies to GoogleTest's name and to the id;
// it may be an id, and hold the name of a pair.
// InvalidArgument when nothing is left, or names the filter or label that no test has.
absl::StatusOr<std::vector<PlannedTest>> SelectTests(const std::vector<PlannedTest>& tests,
                                                     const Selection& selection);

// Ids of the tests that did not pass in every attempt of an earlier run, NOT_RUN among them.
// InvalidArgument when there are none.
absl::StatusOr<std::set<std::string>> FailedTestsOf(const RunRecord& run);

}  // namespace tandem
