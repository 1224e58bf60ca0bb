// SPDX-License-Identifier: Apache-2.0
// The payload of the section "ram": the list of blocks, and pages.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "lib/stream/byte_reader.h"
#include "lib/stream/migration_stream.h"

namespace tandem {

// Adds the blocks and pages of one stream to it, section by section in their order. Needs its
// page size and configuration. Not thread-safe.
class RamSectionParser {
 public:
  // Both must outlive this object.
  RamSectionParser(ByteReader& reader, MigrationStream& stream)
      : reader_(reader), stream_(stream) {}

  // Reads one payload, up to the mark that ends it. Errors: those of ParseStream.
  absl::Status ParsePayload();
  // Reads the bitmaps of mapped-ram, once all sections were read.
  absl::Status ReadBitmaps();

 private:
  bool HasCapability(std::string_view name) const;
  bool TellsPageSize() const;
  absl::Status ParseBlockList(uint64_t total_bytes);
  absl::Status ParseBlock(uint64_t bytes_left);
  absl::Status ParseMappedRam(StreamBlock& block);
  absl::Status ParsePage(uint64_t word, uint64_t word_offset);
  absl::Status ParseBlockOfPage(uint64_t flags, uint64_t word_offset);
  absl::StatusOr<StreamRange> ParseContent(PageKind kind);
  absl::Status ReadBitmap(uint32_t index);
  void Add(const StreamPage& page);

  ByteReader& reader_;
  MigrationStream& stream_;
  std::map<std::string, uint32_t> block_indices_;
  std::optional<uint32_t> current_block_;  // of the page before; sections do not end it
};

}  // namespace tandem
