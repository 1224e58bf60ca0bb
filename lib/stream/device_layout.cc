// SPDX-License-Identifier: Apache-2.0
#include "lib/stream/device_layout.h"

#include <algorithm>
#include <bit>

#include "lib/base/status.h"
#include "lib/stream/byte_reader.h"

namespace tandem {
namespace {

constexpr std::byte kEndMark{0x00};
constexpr std::byte kDescription{0x06};
constexpr uint64_t kPrefixBytes = 5;  // 0x06 and the length
// QEMU's are 0.1 MB for one vCPU. A bound on what a hostile file makes RapidJSON allocate.
constexpr uint64_t kMostText = 16U << 20;
constexpr uint64_t kMostDeviceBytes = uint64_t{1} << 40;
constexpr uint64_t kSubsectionPrefix = 1 + 1 + 4;  // 0x05, length of the name, version
constexpr int kMostNesting = 64;

absl::StatusOr<uint64_t> CountOf(const Json& field, std::string_view member) {
  std::optional<int64_t> value = field[member].Integer();
  if (!value || *value < 0 || static_cast<uint64_t>(*value) > kMostDeviceBytes) {
    return MakeError(absl::StatusCode::kInvalidArgument, "the field \"{}\" has no valid {}",
                     field["name"].Text(), member);
  }
  return static_cast<uint64_t>(*value);
}

// Of an array whose elements are alike, the first alone is described, and their number.
absl::StatusOr<uint64_t> FieldBytes(const Json& field) {
  TANDEM_ASSIGN_OR_RETURN(uint64_t size, CountOf(field, "size"));
  if (!field.Has("array_len")) return size;
  TANDEM_ASSIGN_OR_RETURN(uint64_t count, CountOf(field, "array_len"));
  if (size > 0 && count > kMostDeviceBytes / size) {
    return MakeError(absl::StatusCode::kInvalidArgument, "the field \"{}\" has {} times {} bytes",
                     field["name"].Text(), count, size);
  }
  return size * count;
}

absl::StatusOr<uint64_t> StructureBytes(const Json& structure, int nesting) {
  if (nesting > kMostNesting) {
    return MakeError(absl::StatusCode::kInvalidArgument, "subsections nested more than {} deep",
                     kMostNesting);
  }
  uint64_t total = 0;
  for (const Json& field : structure["fields"].elements()) {
    TANDEM_ASSIGN_OR_RETURN(uint64_t bytes, FieldBytes(field));
    total += bytes;
    if (total > kMostDeviceBytes) {
      return MakeError(absl::StatusCode::kInvalidArgument, "more than {} bytes", kMostDeviceBytes);
    }
  }
  for (const Json& subsection : structure["subsections"].elements()) {
    TANDEM_ASSIGN_OR_RETURN(uint64_t bytes, StructureBytes(subsection, nesting + 1));
    total += kSubsectionPrefix + subsection["vmsd_name"].Text().size() + bytes;
  }
  return total;
}

// The offset of the last 0x06 that follows an end mark and whose length reaches to the end of the
// file; 0 when there is none.
uint64_t FindStart(std::span<const std::byte> bytes, uint64_t start) {
  uint64_t size = bytes.size();
  if (size < start + kPrefixBytes + 1) return 0;
  uint64_t first = size > kMostText ? std::max(start + 1, size - kMostText) : start + 1;
  for (uint64_t at = size - kPrefixBytes; at >= first; --at) {
    if (bytes[at] != kDescription || bytes[at - 1] != kEndMark) continue;
    if (BigEndian(bytes, at + 1, 4) == size - at - kPrefixBytes) return at;
  }
  return 0;
}

}  // namespace

absl::StatusOr<uint64_t> DescribedBytes(const Json& device) { return StructureBytes(device, 0); }

absl::StatusOr<StreamDescription> FindDescription(std::span<const std::byte> bytes,
                                                  uint64_t start) {
  uint64_t at = FindStart(bytes, start);
  if (at == 0) {
    return StreamError(bytes.size(),
                       "expected the end of the description of devices (0x06, its length, JSON), "
                       "but no such description ends here: the stream is truncated or damaged");
  }
  StreamDescription found;
  found.whole = {at, bytes.size() - at};
  found.text = {at + kPrefixBytes, found.whole.size - kPrefixBytes};
  std::span<const std::byte> text = bytes.subspan(found.text.offset, found.text.size);
  absl::StatusOr<Json> json =
      Json::Parse({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!json.ok()) {
    return StreamError(found.text.offset, "expected the description of devices in JSON: {}",
                       Message(json.status()));
  }
  found.json = *std::move(json);
  found.page_size = static_cast<uint64_t>(found.json["page_size"].Integer().value_or(0));
  if (!std::has_single_bit(found.page_size) || found.page_size < 1024 ||
      found.page_size > (1U << 20)) {
    return StreamError(found.text.offset, "expected a page size in the description, found {}",
                       found.page_size);
  }
  for (const Json& device : found.json["devices"].elements()) {
    absl::StatusOr<uint64_t> size = DescribedBytes(device);
    if (!size.ok()) {
      return StreamError(found.text.offset, "expected the sizes of the device \"{}\": {}",
                         device["name"].Text(), Message(size.status()));
    }
    auto instance = static_cast<uint32_t>(device["instance_id"].Integer().value_or(0));
    found.payload_bytes.emplace(std::pair(device["name"].Text(), instance), *size);
  }
  return found;
}

}  // namespace tandem
