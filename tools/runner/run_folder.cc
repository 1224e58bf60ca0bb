// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_folder.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "absl/time/clock.h"
#include "lib/base/status.h"
#include "lib/report/evidence.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 200;  // file systems take 255; "~2" and ".new" must fit
constexpr int kMostInOneSecond = 1000;

absl::Status CannotWrite(const std::string& path, const std::string& why) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the output folder {} cannot be written ({}); name another one with --output",
                   path, why);
}

// A new folder, though other runs make theirs at the same time.
absl::StatusOr<std::string> MakeNewFolder(const std::string& output) {
  std::string time = absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(), absl::UTCTimeZone());
  for (int number = 1; number < kMostInOneSecond; ++number) {
    std::string path = output + "/" + time + (number == 1 ? "" : fmt::format("-{}", number));
    std::error_code error;
    if (fs::create_directory(path, error)) return path;
    if (error) return CannotWrite(path, error.message());
  }
  return CannotWrite(output, "too many runs begin in this second");
}

// A link is replaced; whatever else has its name is not Tandem's.
absl::Status CheckLatest(const std::string& output) {
  std::string link = output + "/latest";
  std::error_code error;
  fs::file_status status = fs::symlink_status(link, error);
  if (!fs::exists(status) || fs::is_symlink(status)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "{} is no link to a run: move it away, or name another folder with --output",
                   link);
}

absl::Status LinkLatest(const std::string& output, const std::string& folder) {
  std::string link = output + "/latest";
  std::string beside = fmt::format("{}.{}", link, getpid());
  std::error_code error;
  fs::remove(beside, error);
  fs::create_symlink(fs::path(folder).filename(), beside, error);
  if (!error) fs::rename(beside, link, error);
  if (!error) return absl::OkStatus();
  std::error_code ignored;
  fs::remove(beside, ignored);
  return CannotWrite(link, error.message());
}

}  // namespace

absl::StatusOr<std::string> MakeRunFolder(const std::string& output) {
  std::error_code error;
  fs::create_directories(output, error);
  if (error) return CannotWrite(output, error.message());
  std::string parent = fs::canonical(output, error);
  if (error) return CannotWrite(output, error.message());
  if (access(parent.c_str(), W_OK | X_OK) != 0) {
    return CannotWrite(parent, std::generic_category().message(errno));
  }
  TANDEM_RETURN_IF_ERROR(CheckLatest(parent));
  TANDEM_ASSIGN_OR_RETURN(std::string folder, MakeNewFolder(parent));
  TANDEM_RETURN_IF_ERROR(LinkLatest(parent, folder));
  return folder;
}

absl::StatusOr<std::string> FindRunFolder(const std::string& folder) {
  for (const std::string& path : {folder, folder + "/latest"}) {
    std::error_code error;
    if (fs::exists(path + "/run.json", error)) return path;
  }
  return MakeError(absl::StatusCode::kNotFound,
                   "{} holds no run of tandem: there is no run.json in it, nor in latest", folder);
}

absl::StatusOr<std::vector<RunRecord>> ReadRuns(const std::vector<std::string>& folders) {
  std::vector<RunRecord> runs;
  for (const std::string& folder : folders) {
    TANDEM_ASSIGN_OR_RETURN(std::string found, FindRunFolder(folder));
    std::error_code error;
    std::string path = fs::canonical(found, error);
    if (error) return ErrnoError(error.value(), "cannot read the run " + found);
    TANDEM_ASSIGN_OR_RETURN(RunRecord run, ReadRun(path));
    runs.push_back(std::move(run));
  }
  return runs;
}

std::string OutputNames::NameFor(const std::string& id) {
  std::string plain = ArtifactFolderName(id).substr(0, kLongestName);
  for (int number = 1;; ++number) {
    std::string name = number == 1 ? plain : fmt::format("{}~{}", plain, number);
    if (taken_.insert(name).second) return "tests/" + name;
  }
}

}  // namespace tandem
