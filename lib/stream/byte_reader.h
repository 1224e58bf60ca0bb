// SPDX-License-Identifier: Apache-2.0
// Reads a migration stream's big-endian numbers and names; past the end comes an error, no byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "lib/base/status.h"
#include "lib/stream/migration_stream.h"

namespace tandem {

// "section 3 (\"timer\")" or the like: where in the stream an error was found, beside its offset.
template <typename... Args>
absl::Status StreamError(uint64_t offset, fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kDataLoss, "at offset {:#x}: {}", offset,
                   fmt::format(format, std::forward<Args>(args)...));
}

// A position in bytes that must outlive it. `what` in its functions says in errors what was
// expected; they are DataLoss at the end of the bytes, and then nothing is consumed. Not
// thread-safe.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, uint64_t position)
      : bytes_(bytes), position_(position) {}

  uint64_t position() const { return position_; }
  uint64_t size() const { return bytes_.size(); }
  uint64_t left() const { return position_ < size() ? size() - position_ : 0; }
  // To a place that may be past the end.
  void MoveTo(uint64_t position) { position_ = position; }

  absl::StatusOr<uint8_t> U8(std::string_view what);
  absl::StatusOr<uint16_t> U16(std::string_view what);
  absl::StatusOr<uint32_t> U32(std::string_view what);
  absl::StatusOr<uint64_t> U64(std::string_view what);
  // The next `size` bytes as text.
  absl::StatusOr<std::string> Text(uint64_t size, std::string_view what);
  // A name after its length of one byte; an error when it is empty or not printable.
  absl::StatusOr<std::string> Name(std::string_view what);
  // Passes over `size` bytes and returns where they are.
  absl::StatusOr<StreamRange> Skip(uint64_t size, std::string_view what);

  // The next byte, which is not consumed; -1 at the end.
  int Peek() const { return left() > 0 ? static_cast<int>(bytes_[position_]) : -1; }
  // What lies between `offset` and here.
  StreamRange Since(uint64_t offset) const { return {offset, position_ - offset}; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  absl::Status Need(uint64_t size, std::string_view what) const;
  absl::StatusOr<uint64_t> Number(uint64_t size, std::string_view what);

  std::span<const std::byte> bytes_;
  uint64_t position_;
};

// The number of `size` bytes, big-endian, at `offset`, which must be inside.
uint64_t BigEndian(std::span<const std::byte> bytes, uint64_t offset, uint64_t size);

}  // namespace tandem
