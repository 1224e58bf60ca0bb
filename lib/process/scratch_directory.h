// SPDX-License-Identifier: Apache-2.0
// A directory for the sockets and temporary files of one test.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "lib/base/unique_fd.h"

namespace tandem {

// Owns a new directory "tandem-XXXXXX", mode 0700, below $TMPDIR (default /tmp); removes it with
// all in it when destroyed, and by the guardian if the process dies first. Where both were killed,
// the first directory of a later process removes it: an owner holds a lock on a file in it, and
// what nobody locks is nobody's; nor is what has been empty for minutes. Where $TMPDIR is too long
// for a unix socket's path (108 bytes), /tmp is used instead and the log says so. Not thread-safe.
class ScratchDirectory {
 public:
  // Fails with the errno and the name of the parent directory when none can be made.
  static absl::StatusOr<std::unique_ptr<ScratchDirectory>> Create();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::string& path() const { return path_; }
  // The path of a file in it, which need not be there.
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  ScratchDirectory(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

}  // namespace tandem
