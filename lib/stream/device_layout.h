// SPDX-License-Identifier: Apache-2.0
// How many bytes each device saved, from the description at the end of a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "lib/qmp/json.h"
#include "lib/stream/migration_stream.h"

namespace tandem {

// The description as it lies in the file.
struct StreamDescription {
  StreamRange whole, text;
  Json json;
  uint64_t page_size = 0;
  std::map<std::pair<std::string, uint32_t>, uint64_t> payload_bytes;  // by name and instance
};

// Finds and reads the description that ends where `bytes` end. DataLoss when there is none, or none
// that makes sense.
absl::StatusOr<StreamDescription> FindDescription(std::span<const std::byte> bytes, uint64_t start);

// The bytes that a device, or a structure in it, takes by its description. InvalidArgument when a
// size is missing or makes no sense.
absl::StatusOr<uint64_t> DescribedBytes(const Json& device);

}  // namespace tandem
