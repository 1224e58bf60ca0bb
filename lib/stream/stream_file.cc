// SPDX-License-Identifier: Apache-2.0
#include "lib/stream/stream_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace tandem {

absl::StatusOr<StreamFile> StreamFile::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoError(errno, path);
  struct stat status = {};
  if (fstat(fd.get(), &status) != 0) return ErrnoError(errno, path);
  if (!S_ISREG(status.st_mode)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "{} is no regular file", path);
  }
  auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return StreamFile({});
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) return ErrnoError(errno, "mapping " + path);
  return StreamFile({static_cast<const std::byte*>(address), size});
}

StreamFile::StreamFile(StreamFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

StreamFile& StreamFile::operator=(StreamFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

StreamFile::~StreamFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace tandem
