// SPDX-License-Identifier: Apache-2.0
// One line per test in results.jsonl, for tools (docs/results.md describes the schema).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "lib/qmp/json.h"
#include "lib/report/exercised.h"

namespace tandem {

// "schema" of each line; grows when a member changes its meaning or goes.
inline constexpr int kResultsSchema = 3;

// How a test ended. A test program knows the first four of itself; the others are what the runner
// sees of a test that could not tell.
enum class TestStatus { kPassed, kFailed, kSkipped, kKnownDefect, kTimedOut, kCrashed, kNotRun };

// "PASSED", "FAILED", "SKIPPED", "KNOWN_DEFECT", "TIMED_OUT", "CRASHED", "NOT_RUN".
std::string_view StatusName(TestStatus status);
// The reverse; nullopt for any other text.
std::optional<TestStatus> ParseStatusName(std::string_view name);
// Whether it ran and found something wrong: FAILED, TIMED_OUT, CRASHED.
bool IsFailed(TestStatus status);

// One line of the file. A value.
struct TestResult {
  std::string test;                    // "Suite.Test/Parameter"
  std::vector<std::string> scenarios;  // rows of docs/scenarios.md that it covers
  TestStatus status = TestStatus::kPassed;
  std::string reason;                                // of a skip or the first failure; "" otherwise
  std::string known_defect;                          // id of the one that ended it
  std::vector<std::string> known_defects_not_shown;  // ids of those that could have, but it passed
  double seconds = 0;
  std::string started;                       // RFC 3339, UTC, milliseconds
  std::map<std::string, double> phases;      // seconds by phase: "boot", "migrate", "verify", …
  std::map<std::string, Json> measurements;  // "downtime_ms": 45, "checkpoint_periods_ms": […]
  ExercisedAbilities exercised;
  std::map<std::string, std::string> versions;  // QEMU by role
  std::string machine_type;
  std::string accelerator;
  std::string artifacts;  // folder of evidence; "" when there is none
  std::string timeline;   // timeline.json; "" when there is none
};

// The line as docs/results.md describes it; members without a value are left out.
Json ToJson(const TestResult& result);

// Appends one JSON object as a line, in one write under a lock (several test processes share the
// file); makes the folder. The error names the file.
absl::Status AppendResult(const std::string& path, const Json& line);
// The same for a result of a test of this process.
inline absl::Status AppendResult(const std::string& path, const TestResult& result) {
  return AppendResult(path, ToJson(result));
}

}  // namespace tandem
