// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "lib/base/status.h"
#include "tools/runner/merge.h"
#include "tools/runner/renderings.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

absl::Status MakeEmptyFolder(const std::string& folder) {
  std::error_code error;
  if (fs::exists(folder, error) &&
      !(fs::is_directory(folder, error) && fs::is_empty(folder, error))) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{} is there already, and not an empty folder: results are never mixed",
                     folder);
  }
  fs::create_directories(folder, error);
  return error ? ErrnoError(error.value(), "cannot make " + folder) : absl::OkStatus();
}

// Files, folders and links; a socket that a machine left is not evidence.
absl::Status Transfer(const fs::path& from, const fs::path& to, OutputTransfer transfer) {
  std::error_code error;
  fs::create_directories(to, error);
  auto options = fs::copy_options::overwrite_existing | fs::copy_options::copy_symlinks;
  for (auto i = fs::recursive_directory_iterator(from, error);
       !error && i != fs::recursive_directory_iterator(); i.increment(error)) {
    fs::path target = to / i->path().lexically_relative(from);
    if (i->is_symlink(error)) {
      fs::copy_symlink(i->path(), target, error);
    } else if (i->is_directory(error)) {
      fs::create_directories(target, error);
    } else if (i->is_regular_file(error)) {
      transfer == OutputTransfer::kHardLink ? fs::create_hard_link(i->path(), target, error)
                                            : fs::copy(i->path(), target, options, error);
    }
    if (error) return ErrnoError(error.value(), "cannot copy " + i->path().string());
  }
  return error ? ErrnoError(error.value(), "cannot copy " + from.string()) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunRecord> WriteMergedRun(const MergedRun& merged, const std::string& folder,
                                         OutputTransfer transfer) {
  TANDEM_RETURN_IF_ERROR(MakeEmptyFolder(folder));
  for (const OutputMove& output : merged.outputs) {
    if (!fs::is_directory(output.from)) continue;  // it was cleared away to save space
    TANDEM_RETURN_IF_ERROR(Transfer(output.from, folder + "/" + output.to, transfer));
  }
  for (const TestRecord& record : merged.records) {
    TANDEM_RETURN_IF_ERROR(AppendRecord(folder, record));
  }
  RunRecord run{.folder = folder, .info = merged.info, .records = merged.records};
  TANDEM_RETURN_IF_ERROR(WriteRenderings(run));
  TANDEM_RETURN_IF_ERROR(WriteRunInfo(folder, merged.info));
  return run;
}

}  // namespace tandem
