// SPDX-License-Identifier: Apache-2.0
#include "lib/stream/migration_stream.h"

#include <algorithm>

namespace tandem {

const StreamSection* MigrationStream::FindDevice(std::string_view name, uint32_t instance) const {
  auto found = std::find_if(sections.begin(), sections.end(), [&](const StreamSection& section) {
    return section.type == SectionType::kFull && section.name == name &&
           section.instance == instance;
  });
  return found == sections.end() ? nullptr : &*found;
}

const StreamSection* MigrationStream::FindSection(std::string_view name, SectionType type) const {
  auto found = std::find_if(sections.begin(), sections.end(), [&](const StreamSection& section) {
    return section.type == type && section.name == name;
  });
  return found == sections.end() ? nullptr : &*found;
}

const StreamBlock* MigrationStream::FindBlock(std::string_view name) const {
  auto found = std::find_if(blocks.begin(), blocks.end(),
                            [&](const StreamBlock& block) { return block.name == name; });
  return found == blocks.end() ? nullptr : &*found;
}

const StreamPage* MigrationStream::FindPage(std::string_view block, uint64_t address) const {
  auto found = std::find_if(pages.rbegin(), pages.rend(), [&](const StreamPage& page) {
    return page.address == address && blocks[page.block].name == block;
  });
  return found == pages.rend() ? nullptr : &*found;
}

std::vector<const StreamPage*> MigrationStream::LastPages(std::string_view block) const {
  const StreamBlock* found = FindBlock(block);
  if (found == nullptr) return {};
  // No longer than the pages that were sent reach: a block's length is what a hostile file says.
  std::vector<const StreamPage*> last;
  for (const StreamPage& page : pages) {
    if (&blocks[page.block] != found) continue;
    uint64_t number = page.address / page_size;
    if (number >= last.size()) last.resize(number + 1);
    last[number] = &page;
  }
  return last;
}

uint64_t MigrationStream::CountPages(PageKind kind) const {
  return static_cast<uint64_t>(std::count_if(
      pages.begin(), pages.end(), [kind](const StreamPage& page) { return page.kind == kind; }));
}

std::string_view SectionTypeName(SectionType type) {
  switch (type) {
    case SectionType::kStart:
      return "start";
    case SectionType::kPart:
      return "part";
    case SectionType::kEnd:
      return "end";
    case SectionType::kFull:
      return "full";
  }
  return "unknown";
}

std::string_view PageKindName(PageKind kind) {
  switch (kind) {
    case PageKind::kZero:
      return "zero";
    case PageKind::kNormal:
      return "normal";
    case PageKind::kXbzrle:
      return "xbzrle";
    case PageKind::kCompressed:
      return "compressed";
  }
  return "unknown";
}

}  // namespace tandem
