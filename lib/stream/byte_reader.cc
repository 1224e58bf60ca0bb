// SPDX-License-Identifier: Apache-2.0
#include "lib/stream/byte_reader.h"

#include <algorithm>

namespace tandem {

uint64_t BigEndian(std::span<const std::byte> bytes, uint64_t offset, uint64_t size) {
  uint64_t value = 0;
  for (std::byte byte : bytes.subspan(offset, size))
    value = value << 8 | static_cast<uint64_t>(byte);
  return value;
}

absl::Status ByteReader::Need(uint64_t size, std::string_view what) const {
  if (size <= left()) return absl::OkStatus();
  return StreamError(position_, "expected {} ({} bytes), but the file ends at {:#x}", what, size,
                     bytes_.size());
}

absl::StatusOr<uint64_t> ByteReader::Number(uint64_t size, std::string_view what) {
  TANDEM_RETURN_IF_ERROR(Need(size, what));
  uint64_t value = BigEndian(bytes_, position_, size);
  position_ += size;
  return value;
}

absl::StatusOr<uint8_t> ByteReader::U8(std::string_view what) {
  TANDEM_ASSIGN_OR_RETURN(uint64_t value, Number(1, what));
  return static_cast<uint8_t>(value);
}

absl::StatusOr<uint16_t> ByteReader::U16(std::string_view what) {
  TANDEM_ASSIGN_OR_RETURN(uint64_t value, Number(2, what));
  return static_cast<uint16_t>(value);
}

absl::StatusOr<uint32_t> ByteReader::U32(std::string_view what) {
  TANDEM_ASSIGN_OR_RETURN(uint64_t value, Number(4, what));
  return static_cast<uint32_t>(value);
}

absl::StatusOr<uint64_t> ByteReader::U64(std::string_view what) { return Number(8, what); }

absl::StatusOr<std::string> ByteReader::Text(uint64_t size, std::string_view what) {
  TANDEM_ASSIGN_OR_RETURN(StreamRange range, Skip(size, what));
  std::span<const std::byte> bytes = bytes_.subspan(range.offset, range.size);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

absl::StatusOr<std::string> ByteReader::Name(std::string_view what) {
  uint64_t start = position_;
  TANDEM_ASSIGN_OR_RETURN(uint8_t size, U8(what));
  TANDEM_ASSIGN_OR_RETURN(std::string name, Text(size, what));
  auto is_printable = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_printable)) {
    return StreamError(start, "expected {}, found {} bytes that are no name", what, size);
  }
  return name;
}

absl::StatusOr<StreamRange> ByteReader::Skip(uint64_t size, std::string_view what) {
  TANDEM_RETURN_IF_ERROR(Need(size, what));
  position_ += size;
  return Since(position_ - size);
}

}  // namespace tandem
