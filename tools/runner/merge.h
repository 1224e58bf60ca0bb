// SPDX-License-Identifier: Apache-2.0
// One run of several: of the shards of one, or of repeats of the same tests.
//
// Shards must be parts of one run: the same tests in all, the same seed, the same QEMUs, and no
// test in two of them; otherwise they are refused, and nothing is written. When a shard or the
// result of a test is missing, what is there is merged all the same, the tests are NOT_RUN, and the
// merge fails. Of repeats, every attempt is kept, numbered on.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/runner/run_record.h"

namespace tandem {

// Where the outputs of one attempt are, and where they go to. A value.
struct OutputMove {
  std::string from;  // a folder
  std::string to;    // under the folder of the merged run
};

// What a merged run is to hold. A value.
struct MergedRun {
  RunInfo info;
  std::vector<TestRecord> records;
  std::vector<OutputMove> outputs;
  std::vector<std::string> missing;  // sentences: shards, and tests without a result
};

// Shards in any order, or runs that are none. InvalidArgument says why they do not fit.
absl::StatusOr<MergedRun> MergeRuns(const std::vector<RunRecord>& runs);

// How the files of the outputs come into the merged run.
enum class OutputTransfer {
  kCopy,
  kHardLink,  // takes no space, but needs one file system
};

// Makes the folder, which must not be there yet or be empty: run.json, which comes last,
// results.jsonl, junit.xml, report.html and the outputs. Returns what was written; the error names
// the file.
absl::StatusOr<RunRecord> WriteMergedRun(const MergedRun& merged, const std::string& folder,
                                         OutputTransfer transfer);

}  // namespace tandem
