// SPDX-License-Identifier: Apache-2.0
// What people and their tools read of a run, made of its records.
#pragma once

#include "absl/status/status.h"
#include "tools/runner/run_record.h"

namespace tandem {

// Writes junit.xml, report.html and, of a matrix, matrix.md into the run's folder, in place of
// those that are there. All are tried; the first error, which names the file, is returned.
// `baseline`: an earlier run, with which report.html compares times.
absl::Status WriteRenderings(const RunRecord& run, const RunRecord* baseline = nullptr);

}  // namespace tandem
