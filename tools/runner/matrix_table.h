// SPDX-License-Identifier: Apache-2.0
// The answer of a run over pairs of QEMU binaries: which source migrates to which destination.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/runner/run_record.h"

namespace tandem {

// A pair's name in records: "7.2:11.1", source first.
std::string PairName(const std::string& source, const std::string& destination);

// What became of the tests of one pair, each counted once: by its worst attempt. A value.
struct MatrixCell {
  std::map<TestStatus, int> counts;

  // The worst that happened to any test; NOT_RUN when there was none.
  TestStatus verdict() const;
  // "12 passed, 1 known defect"; "–" when there was no test.
  std::string Text() const;
};

// Why tests did not pass: one reason, and where it was given. A value.
struct MatrixReason {
  TestStatus status = TestStatus::kFailed;
  std::string reason;              // the line of it that tells most
  std::vector<std::string> pairs;  // in the order of the names
  std::vector<std::string> tests;  // ids without the pair, each once
  int count = 0;                   // of tests of all pairs
};

// Rows are sources, columns destinations. A value.
struct MatrixTable {
  std::vector<std::string> names;  // of the binaries, in the order of both
  std::map<std::pair<std::string, std::string>, MatrixCell> cells;  // by source and destination
  std::vector<MatrixReason> reasons;  // of what is worse than PASSED: the worst first
};

// Names of the binaries of a matrix, in the order of their first tests; none of any other run.
std::vector<std::string> MatrixNames(const RunRecord& run);

// From the records that have a pair; `names` gives the order.
MatrixTable MakeMatrixTable(const std::vector<TestRecord>& records,
                            const std::vector<std::string>& names);

// The table and the reasons below it in GitHub's Markdown, its columns aligned for a terminal.
std::string RenderMatrix(const MatrixTable& table);

}  // namespace tandem
