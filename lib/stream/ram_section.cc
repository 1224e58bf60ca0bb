// SPDX-License-Identifier: Apache-2.0
#include "lib/stream/ram_section.h"

#include <algorithm>
#include <bit>

#include "lib/base/status.h"

namespace tandem {
namespace {

// Flags in the low bits of each word (RAM_SAVE_FLAG_… in QEMU).
constexpr uint64_t kZero = 0x02;
constexpr uint64_t kBlockList = 0x04;
constexpr uint64_t kPage = 0x08;
constexpr uint64_t kEndOfSection = 0x10;
constexpr uint64_t kSameBlock = 0x20;
constexpr uint64_t kXbzrle = 0x40;
constexpr uint64_t kHook = 0x80;
constexpr uint64_t kCompressed = 0x100;
constexpr uint64_t kMultifdFlush = 0x200;
constexpr uint64_t kAllFlags = 0x3ff;

constexpr uint32_t kMappedRamVersion = 1;
constexpr uint64_t kBitmapWord = 8;  // bitmaps are arrays of the host's long

std::optional<PageKind> KindOf(uint64_t flags) {
  switch (flags & ~kSameBlock) {
    case kZero:
      return PageKind::kZero;
    case kPage:
      return PageKind::kNormal;
    case kXbzrle:
      return PageKind::kXbzrle;
    case kCompressed:
      return PageKind::kCompressed;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool RamSectionParser::HasCapability(std::string_view name) const {
  if (!stream_.configuration) return false;
  const std::vector<std::string>& names = stream_.configuration->capabilities;
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Where postcopy was announced, blocks of huge pages tell their size, others do not. No name
// follows whose length is 0, and no word of flags that is a multiple of a page.
bool RamSectionParser::TellsPageSize() const {
  auto announces = [](const StreamCommand& command) { return command.name == "postcopy-advise"; };
  if (std::none_of(stream_.commands.begin(), stream_.commands.end(), announces)) return false;
  if (HasCapability("x-ignore-shared") || HasCapability("mapped-ram")) return false;
  if (reader_.Peek() != 0 || reader_.left() < 8) return false;
  uint64_t word = BigEndian(reader_.bytes(), reader_.position(), 8);
  return std::has_single_bit(word) && (word & kAllFlags) == 0;
}

absl::Status RamSectionParser::ParsePayload() {
  while (true) {
    uint64_t offset = reader_.position();
    TANDEM_ASSIGN_OR_RETURN(uint64_t word, reader_.U64("a page's address and flags"));
    uint64_t flags = word & kAllFlags;
    if (flags == kEndOfSection) {
      if (word == kEndOfSection) return absl::OkStatus();
      return StreamError(offset, "expected the end of RAM, {:#x}, found {:#x}", kEndOfSection,
                         word);
    }
    if (flags == kMultifdFlush) continue;
    if (flags == kHook) {
      return MakeError(absl::StatusCode::kUnimplemented, "at offset {:#x}: a message of RDMA",
                       offset);
    }
    if (flags == kBlockList) {
      TANDEM_RETURN_IF_ERROR(ParseBlockList(word & ~kAllFlags));
    } else {
      TANDEM_RETURN_IF_ERROR(ParsePage(word, offset));
    }
  }
}

absl::Status RamSectionParser::ParseBlockList(uint64_t total_bytes) {
  while (total_bytes > 0) {
    TANDEM_RETURN_IF_ERROR(ParseBlock(total_bytes));
    total_bytes -= stream_.blocks.back().used_bytes;
  }
  return absl::OkStatus();
}

absl::Status RamSectionParser::ParseBlock(uint64_t bytes_left) {
  StreamBlock block;
  uint64_t start = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(block.name, reader_.Name("a RAM block's name"));
  uint64_t length_offset = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(block.used_bytes, reader_.U64("the length of a RAM block"));
  block.length = reader_.Since(length_offset);
  if (block.used_bytes > bytes_left) {
    return StreamError(length_offset,
                       "expected the length of RAM block \"{}\", at most the {:#x} bytes that are "
                       "left of the list, found {:#x}",
                       block.name, bytes_left, block.used_bytes);
  }
  if (TellsPageSize()) {
    TANDEM_ASSIGN_OR_RETURN(block.page_size, reader_.U64("the page size of a RAM block"));
  }
  if (HasCapability("x-ignore-shared")) {
    TANDEM_ASSIGN_OR_RETURN(block.guest_address, reader_.U64("a RAM block's address"));
  }
  block.entry = reader_.Since(start);
  if (HasCapability("mapped-ram")) TANDEM_RETURN_IF_ERROR(ParseMappedRam(block));
  auto index = static_cast<uint32_t>(stream_.blocks.size());
  if (!block_indices_.emplace(block.name, index).second) {
    return StreamError(start, "expected another RAM block, \"{}\" was there before", block.name);
  }
  stream_.blocks.push_back(std::move(block));
  return absl::OkStatus();
}

absl::Status RamSectionParser::ParseMappedRam(StreamBlock& block) {
  MappedRam mapped;
  uint64_t start = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(mapped.version, reader_.U32("the version of a mapped RAM block"));
  if (mapped.version != kMappedRamVersion) {
    return StreamError(start, "expected version {} of mapped RAM block \"{}\", found {}",
                       kMappedRamVersion, block.name, mapped.version);
  }
  TANDEM_ASSIGN_OR_RETURN(mapped.page_size, reader_.U64("the page size of a mapped RAM block"));
  TANDEM_ASSIGN_OR_RETURN(mapped.bitmap.offset, reader_.U64("the bitmap's offset"));
  TANDEM_ASSIGN_OR_RETURN(mapped.pages.offset, reader_.U64("the pages' offset"));
  mapped.header = reader_.Since(start);
  if (mapped.page_size != stream_.page_size) {
    return StreamError(start + 4, "expected the page size {} of mapped RAM block \"{}\", found {}",
                       stream_.page_size, block.name, mapped.page_size);
  }
  if (mapped.bitmap.offset == 0 && mapped.pages.offset == 0) {  // shared memory is not sent
    block.mapped = mapped;
    return absl::OkStatus();
  }
  uint64_t size = reader_.size();
  uint64_t pages = block.used_bytes / mapped.page_size + (block.used_bytes % mapped.page_size != 0);
  mapped.bitmap.size = (pages / 64 + (pages % 64 != 0)) * kBitmapWord;
  mapped.pages.size = block.used_bytes;
  if (mapped.bitmap.offset < reader_.position() || mapped.bitmap.offset > size ||
      mapped.bitmap.size > size - mapped.bitmap.offset) {
    return StreamError(start + 12,
                       "expected the offset of a bitmap of {:#x} bytes in the file's rest, up to "
                       "{:#x}, for mapped RAM block \"{}\", found {:#x}",
                       mapped.bitmap.size, size, block.name, mapped.bitmap.offset);
  }
  if (mapped.pages.offset < mapped.bitmap.end() || mapped.pages.offset > size ||
      mapped.pages.size > size - mapped.pages.offset) {
    return StreamError(start + 20,
                       "expected the offset of {:#x} bytes of pages between the bitmap's end, "
                       "{:#x}, and the file's, {:#x}, for mapped RAM block \"{}\", found {:#x}",
                       mapped.pages.size, mapped.bitmap.end(), size, block.name,
                       mapped.pages.offset);
  }
  reader_.MoveTo(mapped.pages.end());
  block.mapped = mapped;
  return absl::OkStatus();
}

absl::Status RamSectionParser::ParsePage(uint64_t word, uint64_t word_offset) {
  uint64_t flags = word & (stream_.page_size - 1);
  std::optional<PageKind> kind = KindOf(flags);
  if (!kind) {
    return StreamError(word_offset, "expected a page's address and flags, found {:#x}", word);
  }
  TANDEM_RETURN_IF_ERROR(ParseBlockOfPage(flags, word_offset));
  StreamPage page;
  page.kind = *kind;
  page.block = *current_block_;
  page.address = word & ~(stream_.page_size - 1);
  page.header = reader_.Since(word_offset);
  const StreamBlock& block = stream_.blocks[page.block];
  if (page.address >= block.used_bytes) {
    return StreamError(word_offset,
                       "expected an address in RAM block \"{}\" of {:#x} bytes, found {:#x}",
                       block.name, block.used_bytes, page.address);
  }
  TANDEM_ASSIGN_OR_RETURN(page.content, ParseContent(page.kind));
  Add(page);
  return absl::OkStatus();
}

absl::Status RamSectionParser::ParseBlockOfPage(uint64_t flags, uint64_t word_offset) {
  if ((flags & kSameBlock) != 0) {
    if (current_block_) return absl::OkStatus();
    return StreamError(word_offset, "expected a page with its block's name, none came before");
  }
  uint64_t start = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(std::string name, reader_.Name("the name of a page's RAM block"));
  auto found = block_indices_.find(name);
  if (found == block_indices_.end()) {
    return StreamError(start, "expected the name of a RAM block, found \"{}\"", name);
  }
  current_block_ = found->second;
  return absl::OkStatus();
}

absl::StatusOr<StreamRange> RamSectionParser::ParseContent(PageKind kind) {
  switch (kind) {
    case PageKind::kZero:
      return reader_.Skip(1, "the byte that fills a page");
    case PageKind::kNormal:
      return reader_.Skip(stream_.page_size, "a page");
    case PageKind::kXbzrle: {
      TANDEM_RETURN_IF_ERROR(reader_.U8("xbzrle's kind of encoding").status());
      TANDEM_ASSIGN_OR_RETURN(uint16_t size, reader_.U16("the length of an xbzrle page"));
      return reader_.Skip(size, "an xbzrle page");
    }
    case PageKind::kCompressed: {
      TANDEM_ASSIGN_OR_RETURN(uint32_t size, reader_.U32("the length of a compressed page"));
      return reader_.Skip(size, "a compressed page");
    }
  }
  return absl::InternalError("a kind of page that is none");
}

absl::Status RamSectionParser::ReadBitmaps() {
  for (uint32_t i = 0; i < stream_.blocks.size(); ++i) {
    if (stream_.blocks[i].mapped) TANDEM_RETURN_IF_ERROR(ReadBitmap(i));
  }
  return absl::OkStatus();
}

absl::Status RamSectionParser::ReadBitmap(uint32_t index) {
  StreamBlock& block = stream_.blocks[index];
  const MappedRam& mapped = *block.mapped;
  for (uint64_t i = 0; i < mapped.bitmap.size; ++i) {
    auto bits = static_cast<uint8_t>(reader_.bytes()[mapped.bitmap.offset + i]);
    for (; bits != 0; bits &= bits - 1) {
      uint64_t address = (i * 8 + std::countr_zero(bits)) * mapped.page_size;
      if (address >= block.used_bytes) {
        return StreamError(mapped.bitmap.offset + i,
                           "expected no more pages in the bitmap of RAM block \"{}\" of {:#x} "
                           "bytes, found one at {:#x}",
                           block.name, block.used_bytes, address);
      }
      uint64_t bytes = std::min(mapped.page_size, block.used_bytes - address);
      Add({.block = index, .address = address, .content = {mapped.pages.offset + address, bytes}});
    }
  }
  return absl::OkStatus();
}

void RamSectionParser::Add(const StreamPage& page) {
  StreamBlock& block = stream_.blocks[page.block];
  switch (page.kind) {
    case PageKind::kZero:
      ++block.zero_pages;
      break;
    case PageKind::kNormal:
      ++block.normal_pages;
      break;
    case PageKind::kXbzrle:
      ++block.xbzrle_pages;
      break;
    case PageKind::kCompressed:
      ++block.compressed_pages;
      break;
  }
  stream_.pages.push_back(page);
}

}  // namespace tandem
