// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/failure_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "lib/report/text.h"
#include "tools/runner/fingerprint.h"

namespace tandem {
namespace {

std::string Count(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string FingerprintOf(const TestRecord& record) {
  return record.fingerprint.empty() ? Fingerprint(ReasonOf(record)) : record.fingerprint;
}

// Adds to each test of a group how often it was tried in all.
void CountAttempts(const std::vector<TestTally>& tallies, std::vector<FailureGroup>& groups) {
  std::map<std::string, TestTally> by_id;
  for (const TestTally& tally : tallies) by_id[tally.id] = tally;
  for (FailureGroup& group : groups) {
    for (TestTally& test : group.tests) {
      test.attempts = by_id[test.id].attempts;
      test.passed = by_id[test.id].passed;
    }
    std::stable_sort(group.tests.begin(), group.tests.end(),
                     [](const auto& a, const auto& b) { return a.failed > b.failed; });
  }
}

std::string Describe(const FailureGroup& group) {
  std::string text = fmt::format("{} of {} [{}]:\n", Count(group.failures, "failure"),
                                 Count(group.tests.size(), "test"), group.fingerprint);
  for (const std::string& line : SplitLines(group.reason)) text += "  " + line + "\n";
  for (const TestTally& test : group.tests) {
    std::string often = test.attempts == 0 ? std::string("not run")
                                           : fmt::format("{} of {}", test.failed, test.attempts);
    text += fmt::format("    {:>8}  {}\n", often, test.id);
  }
  if (!group.output.empty()) text += fmt::format("  first in {}\n", group.output);
  return text + "\n";
}

}  // namespace

bool IsFailure(TestStatus status) { return IsFailed(status) || status == TestStatus::kNotRun; }

std::string ReasonOf(const TestRecord& record) {
  return record.reason.empty() ? std::string(StatusName(record.status)) : record.reason;
}

std::vector<TestTally> TallyTests(const std::vector<TestRecord>& records) {
  std::vector<TestTally> tallies;
  std::map<std::string, size_t> index;
  for (const TestRecord& record : records) {
    auto [at, is_new] = index.emplace(record.id, tallies.size());
    if (is_new) tallies.push_back({.id = record.id});
    TestTally& tally = tallies[at->second];
    if (record.status == TestStatus::kNotRun) continue;
    ++tally.attempts;
    if (record.status == TestStatus::kPassed) ++tally.passed;
    if (IsFailure(record.status)) ++tally.failed;
  }
  return tallies;
}

std::vector<FailureGroup> GroupFailures(const std::vector<TestRecord>& records) {
  std::vector<FailureGroup> groups;
  std::map<std::string, size_t> index;
  for (const TestRecord& record : records) {
    if (!IsFailure(record.status)) continue;
    std::string fingerprint = FingerprintOf(record);
    auto [at, is_new] = index.emplace(fingerprint, groups.size());
    if (is_new) {
      groups.push_back({.fingerprint = fingerprint,
                        .reason = NormalizedReason(ReasonOf(record)),
                        .example = ReasonOf(record),
                        .output = record.output});
    }
    FailureGroup& group = groups[at->second];
    ++group.failures;
    auto same = [&](const TestTally& test) { return test.id == record.id; };
    auto test = std::find_if(group.tests.begin(), group.tests.end(), same);
    if (test == group.tests.end()) test = group.tests.insert(test, {.id = record.id});
    if (record.status != TestStatus::kNotRun) ++test->failed;
  }
  CountAttempts(TallyTests(records), groups);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.failures > b.failures; });
  return groups;
}

std::string DescribeFailures(const std::vector<TestRecord>& records) {
  std::string text;
  for (const FailureGroup& group : GroupFailures(records)) text += Describe(group);
  std::vector<TestTally> flaky = TallyTests(records);
  std::erase_if(flaky, [](const TestTally& tally) { return !IsFlaky(tally); });
  if (flaky.empty()) return text;
  text += fmt::format("flaky, passed and failed: {}\n", Count(flaky.size(), "test"));
  for (const TestTally& tally : flaky) {
    text += fmt::format("    failed {} of {}  {}\n", tally.failed, tally.attempts, tally.id);
  }
  return text;
}

}  // namespace tandem
