// SPDX-License-Identifier: Apache-2.0
// Reads the runs that a command line names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/runner/run_record.h"

namespace tandem {

// Each folder holds a run, or is the --output of `tandem run`, whose latest run is meant. Their
// paths become absolute, without links. The error names the folder.
absl::StatusOr<std::vector<RunRecord>> ReadRuns(const std::vector<std::string>& folders);

}  // namespace tandem
