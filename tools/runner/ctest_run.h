// SPDX-License-Identifier: Apache-2.0
// A run of ctest, read as if it were one of `tandem run`.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tools/runner/run_record.h"

namespace tandem {

// From what `ctest --output-junit` wrote, and, where `artifacts` is a folder with results.jsonl,
// what the tests of that run wrote themselves; "" for none. ctest's verdict counts; it tells
// neither a timeout nor a signal from another failure. The run's folder is `artifacts`, or that of
// the XML. NotFound and InvalidArgument name the file or folder.
absl::StatusOr<RunRecord> ReadCtestRun(const std::string& junit, const std::string& artifacts);

}  // namespace tandem
