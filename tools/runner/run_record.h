// SPDX-License-Identifier: Apache-2.0
// What a run of `tandem` leaves in its output folder, written and read again:
//
//   run.json             what was to be run, where and when: a RunInfo
//   results.jsonl        one line for each attempt at a test, in the order of their ends: what the
//                        test wrote itself (docs/results.md), with the members of TestRecord added
//   junit.xml            renderings of both
//   report.html
//   tests/<folder>/      of each attempt: stdout.txt, stderr.txt and the test's evidence
//
// `tandem merge` and `tandem report` know of a run only what stands there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/qmp/json.h"
#include "lib/report/results.h"

namespace tandem {

// "schema" in run.json; grows when a member changes its meaning or goes.
inline constexpr int kRunSchema = 1;

// One attempt at one test. A value.
struct TestRecord {
  // "precopy.PrecopyTest.GuestResumes/Pc": unique within a run but for attempts, the same in every
  // run. In a matrix with the pair in front: "7.2:11.1/precopy.…"; of a testcase file its path.
  std::string id;
  std::string family;   // "precopy"; "testcase" for a testcase file
  std::string pair;     // "7.2:11.1" in a matrix: names of source and destination; "" otherwise
  int64_t attempt = 1;  // 1, 2, …
  TestStatus status = TestStatus::kNotRun;
  std::string reason;       // of anything but PASSED; "" otherwise
  std::string fingerprint;  // of the reason: the same for what failed the same way; "" without one
  double seconds = 0;
  std::string output;  // folder under the run's folder: "tests/…"; "" when it was not run
  Json line;           // all members: those above, those of docs/results.md, and newer ones
};

// Members of `record` put into its line, in place of those of the same name: what is written.
Json ToJson(const TestRecord& record);
// InvalidArgument when a member that is always there is missing.
absl::StatusOr<TestRecord> TestRecordFrom(const Json& line);

// NOT_RUN, of a test of which the id alone is known: its family and its pair are read from that.
TestRecord NotRunRecord(const std::string& id, const std::string& reason);

// What is known of a run besides the tests' ends. A value; run.json has members of these names.
struct RunInfo {
  std::string started, finished;     // RFC 3339, UTC; finished is "" while it runs, or was killed
  std::string interrupted;           // why it ended before its time ("SIGINT"); "" otherwise
  std::vector<std::string> command;  // the command line
  std::map<std::string, std::string> host;  // "cpus", "memory", "kernel", "architecture", "system"
  std::map<std::string, std::string> qemu;  // version by name: "11.1" → "11.1.3 (Debian …)"
  int64_t jobs = 1;
  int64_t seed = 0;
  int64_t shard_index = 1, shard_count = 1;  // 1/1: not sharded
  std::vector<std::string> tests;  // ids of all tests that this run was to run, in order of listing
  std::vector<std::string> all_tests;  // ids of those of all shards; empty when it is not sharded
};

// A run, as it was left. A value.
struct RunRecord {
  std::string folder;
  RunInfo info;
  std::vector<TestRecord> records;
};

// Replaces <folder>/run.json in one step. The error names the file.
absl::Status WriteRunInfo(const std::string& folder, const RunInfo& info);
// Appends to <folder>/results.jsonl.
absl::Status AppendRecord(const std::string& folder, const TestRecord& record);
// NotFound when the folder has no run.json; InvalidArgument names file and line of what is no
// record. A last line without its end, where a writer was killed, is left out.
absl::StatusOr<RunRecord> ReadRun(const std::string& folder);

}  // namespace tandem
