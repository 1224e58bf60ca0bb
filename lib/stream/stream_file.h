// SPDX-License-Identifier: Apache-2.0
// A file's bytes for reading, without copying them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace tandem {

// Owns a mapping of a file that nobody may shorten meanwhile. Movable; thread-safe.
class StreamFile {
 public:
  // The errno with the path when the file cannot be opened or mapped.
  static absl::StatusOr<StreamFile> Open(const std::string& path);
  StreamFile(StreamFile&& other) noexcept;
  StreamFile& operator=(StreamFile&& other) noexcept;
  ~StreamFile();

  // Lives as long as this object.
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit StreamFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace tandem
