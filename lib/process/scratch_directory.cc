// SPDX-License-Identifier: Apache-2.0
#include "lib/process/scratch_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lib/base/environment.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/process/guardian.h"
#include "lib/process/process_tree.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

// sun_path holds 108 bytes with the final zero; our longest name below the directory is about 30.
constexpr size_t kLongestParent = 60;
constexpr std::string_view kPrefix = "tandem-";
constexpr char kLockName[] = "/.tandem-lock";
constexpr int kAttempts = 10;
constexpr absl::Duration kKillTime = absl::Seconds(10);
constexpr absl::Duration kYoung = absl::Minutes(5);  // an empty directory that may be an owner's

std::string ParentDirectory() {
  std::error_code ignored;
  std::string parent = fs::absolute(EnvironmentValue("TMPDIR").value_or("/tmp"), ignored).string();
  if (parent.size() <= kLongestParent) return parent;
  static std::once_flag said;
  std::call_once(said, [&] {
    Log().warn("TMPDIR={} is too long for a unix socket's path (more than {} bytes): using /tmp",
               parent, kLongestParent);
  });
  return "/tmp";
}

// Whoever lives holds a lock on it. Not valid, with errno, when somebody else has the lock, or had
// it and removed the file.
UniqueFd LockFile(const std::string& directory, int flags) {
  std::string path = directory + kLockName;
  UniqueFd file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!file.valid()) return file;
  struct stat status {};
  int error = 0;
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0 || fstat(file.get(), &status) != 0) {
    error = errno;
  } else if (status.st_nlink == 0) {
    error = ENOENT;
  }
  if (error != 0) file.reset();
  errno = error;
  return file;
}

bool IsOurDirectory(const struct stat& status) {
  return S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 07777) == 0700;
}

// Removes a directory of which the lock is free, or which a run left empty when it was killed
// between mkdtemp and the lock. rmdir fails where a file came in between, and the owner of a
// directory that is gone makes another one.
void RemoveOrphan(const std::string& path, const struct stat& status) {
  UniqueFd lock = LockFile(path, 0);
  if (lock.valid()) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  } else if (errno != ENOENT || absl::Now() - absl::TimeFromTimespec(status.st_mtim) < kYoung ||
             rmdir(path.c_str()) != 0) {
    return;  // somebody's, or none of Tandem's
  }
  Log().info("removed {}, which a killed run had left", path);
}

// Removes what was left where both a process and its guardian were killed.
void RemoveOrphans(const std::string& parent) {
  KillOrphans(Deadline::AfterUnscaled(kKillTime)).IgnoreError();
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string path = entry->path().string();
    struct stat status {};
    if (!entry->path().filename().string().starts_with(kPrefix)) continue;
    if (lstat(path.c_str(), &status) == 0 && IsOurDirectory(status)) RemoveOrphan(path, status);
  }
}

// A new directory with its lock. Another process that looks for orphans may take it for one before
// it is locked: then the next attempt counts.
absl::StatusOr<std::pair<std::string, UniqueFd>> MakeLocked(const std::string& parent) {
  int error = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string path = fmt::format("{}/{}XXXXXX", parent, kPrefix);
    if (mkdtemp(path.data()) == nullptr) {
      error = errno;
      break;
    }
    UniqueFd lock = LockFile(path, O_CREAT | O_EXCL);
    if (lock.valid()) return std::pair(path, std::move(lock));
    error = errno;
    unlink((path + kLockName).c_str());  // remove_all would take a descriptor
    rmdir(path.c_str());
    if (error != EWOULDBLOCK && error != ENOENT) break;
  }
  return ErrnoError(error, fmt::format("cannot make a temporary directory in {} (set TMPDIR to a "
                                       "writable directory)",
                                       parent));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Create() {
  static std::set<std::string>* searched = new std::set<std::string>();
  std::string parent = ParentDirectory();
  Guardian& guardian = Guardian::Instance();
  TANDEM_RETURN_IF_ERROR(guardian.status());
  if (searched->insert(parent).second) RemoveOrphans(parent);
  TANDEM_ASSIGN_OR_RETURN(auto made, MakeLocked(parent));
  auto& [path, lock] = made;
  std::unique_ptr<ScratchDirectory> directory(new ScratchDirectory(path, std::move(lock)));
  TANDEM_RETURN_IF_ERROR(guardian.ProtectDirectory(path));
  return directory;
}

ScratchDirectory::~ScratchDirectory() {
  lock_.reset();  // its descriptor may be the last one, and to remove a directory takes one
  std::error_code error;
  fs::remove_all(path_, error);
  if (error) {
    Log().error("cannot remove {}: {}", path_, error.message());
  } else {
    Guardian::Instance().ForgetDirectory(path_);
  }
}

}  // namespace tandem
