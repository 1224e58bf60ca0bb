// SPDX-License-Identifier: Apache-2.0
// Splits tests over several machines, each of which finds out by itself which are its own.
//
// All shards must come to the same split, so it depends only on what is the same everywhere: the
// tests that were selected, and a file of times. Not on the times that this machine remembers of
// its own runs, by which a run is ordered. The file is the one that is installed with Tandem, made
// from a run of its suites, or the one given by --times, which `tandem times` makes from a run of
// yours. A test that the file does not know takes as long as the median of its family.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/runner/planned_test.h"
#include "tools/runner/run_record.h"

namespace tandem {

// One of the machines. A value.
struct Shard {
  int64_t index = 1;  // from 1
  int64_t count = 1;
};

// From "2/3". InvalidArgument says what is wrong with any other text.
absl::StatusOr<Shard> ParseShard(std::string_view text);

// Seconds by id of the test.
using TestTimes = std::map<std::string, double>;

// The median of the attempts at each test that ran to a verdict.
TestTimes TimesOf(const std::vector<TestRecord>& records);
// A line for each test: its id, a tab, its seconds; lines that begin with # say nothing.
// InvalidArgument names file and line.
absl::StatusOr<TestTimes> ReadTimes(const std::string& path);
// Of Tandem's own suites.
TestTimes BuiltInTimes();
// The text of test_times.tsv. Lives as long as the program.
extern const std::string_view kBuiltInTimes;
absl::Status WriteTimes(const std::string& path, const TestTimes& times);

// For each of the tests the number of its shard, from 1: such that all shards take about as long.
// Does not depend on the order of the tests.
std::vector<int64_t> AssignShards(const std::vector<PlannedTest>& tests, const TestTimes& times,
                                  int64_t count);
// Those of one shard, in their order.
std::vector<PlannedTest> TestsOfShard(const std::vector<PlannedTest>& tests, const TestTimes& times,
                                      const Shard& shard);

}  // namespace tandem
