// SPDX-License-Identifier: Apache-2.0
#include "lib/process/scratch_directory.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "lib/base/environment.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/process/guardian.h"

namespace tandem {
namespace {

// sun_path holds 108 bytes with the final zero; our longest name below the directory is about 30.
constexpr size_t kLongestParent = 60;

std::string ParentDirectory() {
  std::error_code ignored;
  std::string parent =
      std::filesystem::absolute(EnvironmentValue("TMPDIR").value_or("/tmp"), ignored).string();
  if (parent.size() <= kLongestParent) return parent;
  Log().warn("TMPDIR={} is too long for a unix socket's path: using /tmp", parent);
  return "/tmp";
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Create() {
  std::string parent = ParentDirectory();
  std::string path = parent + "/tandem-XXXXXX";
  Guardian& guardian = Guardian::Instance();
  if (mkdtemp(path.data()) == nullptr) {
    return ErrnoError(errno, fmt::format("cannot make a temporary directory in {} (set TMPDIR to a "
                                         "writable directory)",
                                         parent));
  }
  guardian.ProtectDirectory(path);
  return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(std::move(path)));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (error) {
    Log().error("cannot remove {}: {}", path_, error.message());
  } else {
    Guardian::Instance().ForgetDirectory(path_);
  }
}

}  // namespace tandem
