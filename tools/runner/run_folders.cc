// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_folders.h"

#include <filesystem>
#include <utility>

#include "lib/base/status.h"

namespace tandem {

absl::StatusOr<std::vector<RunRecord>> ReadRuns(const std::vector<std::string>& folders) {
  std::vector<RunRecord> runs;
  for (const std::string& folder : folders) {
    std::error_code error;
    std::string latest = folder + "/latest";
    bool is_output = !std::filesystem::exists(folder + "/run.json", error) &&
                     std::filesystem::exists(latest + "/run.json", error);
    std::string path = std::filesystem::canonical(is_output ? latest : folder, error);
    if (error) return ErrnoError(error.value(), "cannot read the run " + folder);
    TANDEM_ASSIGN_OR_RETURN(RunRecord run, ReadRun(path));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace tandem
