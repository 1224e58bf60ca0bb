// SPDX-License-Identifier: Apache-2.0
// Where the time of whole tests goes: the lines of results.jsonl (docs/results.md) as a table of
// medians by phase.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/qmp/json.h"

namespace tandem {

// The runs of one test, in their order.
struct TestRuns {
  std::string test;
  std::string qemu;         // its versions, each once: "11.1.3", "10.0.13, 11.1.3"
  std::string accelerator;  // "tcg", "kvm"
  std::vector<double> seconds;
  // One value for each run; 0 where a run had not that phase. "other" is what lay outside of all.
  std::map<std::string, std::vector<double>> phases;
};

// Reads lines of results.jsonl; lines that are no JSON are passed over. InvalidArgument when there
// is no result, a test did not pass, or a test has fewer runs than `minimum_runs`: such times say
// nothing of a whole test.
absl::StatusOr<std::vector<TestRuns>> ReadRuns(std::string_view lines, size_t minimum_runs);

// In milliseconds, with a heading for each test and a row for each phase in the order of a test.
std::string FormatPhaseTable(const std::vector<TestRuns>& tests);

// The runs that passed, of any number; other lines are passed over. InvalidArgument when none did.
absl::StatusOr<std::vector<TestRuns>> ReadPassedRuns(std::string_view lines);

// The `count` tests with the longest medians, a line each: seconds, test, and its phases from the
// longest on; then the sum over all tests.
std::string FormatSlowest(std::vector<TestRuns> tests, size_t count);

// Every figure of every run, in seconds.
Json RunsToJson(const std::vector<TestRuns>& tests);

}  // namespace tandem
