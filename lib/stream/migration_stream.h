// SPDX-License-Identifier: Apache-2.0
// QEMU's migration stream, taken apart: which sections, devices, RAM blocks and pages it has, and
// where in the file each part lies. For looking into files, and for tests that damage a stream at a
// chosen place.
//
//   TANDEM_ASSIGN_OR_RETURN(StreamFile file, StreamFile::Open(path));
//   TANDEM_ASSIGN_OR_RETURN(MigrationStream stream, ParseStream(file.bytes()));
//   const StreamSection* timer = stream.FindDevice("timer");
//   … timer->footer.offset …
//
// What devices save has no length in the stream. QEMU appends a description in JSON that has the
// size of each field: it is looked for at the end of the file first, and each device's end is then
// proved by the footer that follows it. The format is told by docs/devel/migration of QEMU's tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/qmp/json.h"

namespace tandem {

// Bytes [offset, offset + size) of the file.
struct StreamRange {
  uint64_t offset = 0;
  uint64_t size = 0;

  uint64_t end() const { return offset + size; }
  bool operator==(const StreamRange&) const = default;
};

// What begins a section: its first byte in the stream.
enum class SectionType : uint8_t {
  kStart = 0x01,  // the setup of a device that sends iteratively
  kPart = 0x02,
  kEnd = 0x03,
  kFull = 0x04,  // a device that is sent at once
};

// A part of one device's state.
struct StreamSection {
  SectionType type = SectionType::kFull;
  uint32_t id = 0;
  std::string name;  // of the device; of a part and an end, that of their start
  uint32_t instance = 0;
  uint32_t version = 0;
  StreamRange header;   // from the type on; the id is the next four bytes
  StreamRange payload;  // may be empty
  StreamRange footer;   // 0x7e and the id

  // From the header's first to the footer's last byte.
  StreamRange whole() const { return {header.offset, footer.end() - header.offset}; }
};

// A command to the destination (QEMU_VM_COMMAND), such as the announcement of postcopy.
struct StreamCommand {
  uint16_t command = 0;
  std::string name;    // "ping", …; the number if it is not known
  StreamRange header;  // 0x08, command and length, two bytes each
  StreamRange data;
};

// What source and destination must have in common; the first part after the stream's version.
struct StreamConfiguration {
  StreamRange whole;   // from its type on
  StreamRange length;  // four bytes, of the machine type's name
  std::string machine_type;
  std::vector<std::string> capabilities;  // those that change the format: mapped-ram, …
  std::optional<uint32_t> page_bits;
  std::string uuid;  // 16 bytes in hex; empty when there is none
};

// Where `mapped-ram` keeps a block's pages: each at its own place in the file.
struct MappedRam {
  StreamRange header;  // version, page size, bitmap's and pages' offset, big-endian
  uint32_t version = 0;
  uint64_t page_size = 0;
  StreamRange bitmap;  // little-endian, a bit for each page; empty for a block that is not sent
  StreamRange pages;
};

// One block of guest RAM, and how many pages of it were sent, again and again for those that
// changed.
struct StreamBlock {
  std::string name;
  uint64_t used_bytes = 0;
  uint64_t page_size = 0;                 // of the host's memory; 0 when the stream does not tell
  std::optional<uint64_t> guest_address;  // with x-ignore-shared
  StreamRange entry;                      // in the list of blocks, without `mapped`
  StreamRange length;                     // used_bytes in it
  std::optional<MappedRam> mapped;
  uint64_t normal_pages = 0, zero_pages = 0, xbzrle_pages = 0, compressed_pages = 0;
};

// How a page was sent.
enum class PageKind : uint8_t { kZero, kNormal, kXbzrle, kCompressed };

// One page, once sent.
struct StreamPage {
  PageKind kind = PageKind::kNormal;
  uint32_t block = 0;    // index in MigrationStream::blocks
  uint64_t address = 0;  // in the block
  StreamRange header;    // address and flags, eight bytes, and the block's name; empty if mapped
  StreamRange content;   // of a zero page, the byte that fills it
};

// All of a stream. The parts of each list are in the order of the file. A value; refers to no
// bytes.
struct MigrationStream {
  StreamRange header;  // magic and version, four bytes each
  uint32_t version = 0;
  uint64_t page_size = 0;  // the target's
  std::optional<StreamConfiguration> configuration;
  std::vector<StreamSection> sections;
  std::vector<StreamCommand> commands;
  std::vector<StreamBlock> blocks;
  std::vector<StreamPage> pages;
  uint64_t end_mark = 0;         // offset of the zero byte after the last section
  StreamRange description;       // from its type, 0x06, on
  StreamRange description_text;  // the JSON in it
  Json devices;                  // the JSON, parsed

  // The section of a device that is sent at once; nullptr when there is none.
  const StreamSection* FindDevice(std::string_view name, uint32_t instance = 0) const;
  // The first section of that name and type; nullptr when there is none.
  const StreamSection* FindSection(std::string_view name, SectionType type) const;
  // nullptr when there is none.
  const StreamBlock* FindBlock(std::string_view name) const;
  // The page as it was sent last, which is what counts; nullptr when it was not sent, or is a page
  // of zeros in a mapped block.
  const StreamPage* FindPage(std::string_view block, uint64_t address) const;
  // The same for all pages of a block, by their number in it. Empty when there is no such block.
  std::vector<const StreamPage*> LastPages(std::string_view block) const;
  // Over all blocks.
  uint64_t CountPages(PageKind kind) const;
};

// "start", "part", "end" or "full".
std::string_view SectionTypeName(SectionType type);
// "zero", "normal", "xbzrle" or "compressed".
std::string_view PageKindName(PageKind kind);

// Takes a whole stream apart. It begins at byte `start` of `file` and reaches to its end; all
// offsets are those in `file`. Any bytes may come: time and memory are bounded by their number.
// Errors, with the offset and what was expected there: DataLoss when the stream is truncated or
// damaged, Unimplemented for what only RDMA sends.
absl::StatusOr<MigrationStream> ParseStream(std::span<const std::byte> file, uint64_t start = 0);

}  // namespace tandem
