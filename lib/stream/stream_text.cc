// SPDX-License-Identifier: Apache-2.0
#include "lib/stream/stream_text.h"

#include <spdlog/fmt/fmt.h>

#include <map>
#include <vector>

namespace tandem {
namespace {

std::string Line(const StreamRange& range, const std::string& what) {
  return fmt::format("{:#012x} {:>12}  {}\n", range.offset, range.size, what);
}

std::string BlockLine(const StreamBlock& block) {
  std::string line =
      fmt::format("block \"{}\" of {:#x} bytes: {} normal pages, {} zero", block.name,
                  block.used_bytes, block.normal_pages, block.zero_pages);
  if (block.xbzrle_pages > 0) line += fmt::format(", {} xbzrle", block.xbzrle_pages);
  if (block.compressed_pages > 0) line += fmt::format(", {} compressed", block.compressed_pages);
  if (block.guest_address) line += fmt::format(", at {:#x} of the guest", *block.guest_address);
  if (block.mapped) {
    line += fmt::format(", mapped: bitmap at {:#x}, pages at {:#x}", block.mapped->bitmap.offset,
                        block.mapped->pages.offset);
  }
  return line;
}

Json RangeToJson(const StreamRange& range) {
  return Json::Object({{"offset", range.offset}, {"size", range.size}});
}

Json ConfigurationToJson(const StreamConfiguration& configuration) {
  std::vector<Json> capabilities(configuration.capabilities.begin(),
                                 configuration.capabilities.end());
  return Json::Object({{"machine-type", configuration.machine_type},
                       {"capabilities", Json::Array(capabilities)},
                       {"uuid", configuration.uuid},
                       {"range", RangeToJson(configuration.whole)}});
}

Json SectionToJson(const StreamSection& section) {
  return Json::Object({{"type", SectionTypeName(section.type)},
                       {"id", uint64_t{section.id}},
                       {"name", section.name},
                       {"instance", uint64_t{section.instance}},
                       {"version", uint64_t{section.version}},
                       {"header", RangeToJson(section.header)},
                       {"payload", RangeToJson(section.payload)},
                       {"footer", RangeToJson(section.footer)}});
}

Json BlockToJson(const StreamBlock& block) {
  Json json = Json::Object({{"name", block.name},
                            {"size", block.used_bytes},
                            {"entry", RangeToJson(block.entry)},
                            {"normal-pages", block.normal_pages},
                            {"zero-pages", block.zero_pages},
                            {"xbzrle-pages", block.xbzrle_pages},
                            {"compressed-pages", block.compressed_pages}});
  if (!block.mapped) return json;
  Json mapped = Json::Object({{"header", RangeToJson(block.mapped->header)},
                              {"bitmap", RangeToJson(block.mapped->bitmap)},
                              {"pages", RangeToJson(block.mapped->pages)}});
  return json.MergedWith(Json::Object({{"mapped-ram", mapped}}));
}

}  // namespace

std::string DescribeStream(const MigrationStream& stream) {
  std::multimap<uint64_t, std::string> lines;
  auto add = [&lines](const StreamRange& range, const std::string& what) {
    lines.emplace(range.offset, Line(range, what));
  };
  add(stream.header, fmt::format("version {}", stream.version));
  if (stream.configuration) {
    std::string what = fmt::format("configuration of {}", stream.configuration->machine_type);
    for (const std::string& name : stream.configuration->capabilities) what += ", " + name;
    add(stream.configuration->whole, what);
  }
  for (const StreamCommand& command : stream.commands) {
    add({command.header.offset, command.header.size + command.data.size},
        fmt::format("command {}", command.name));
  }
  for (const StreamSection& section : stream.sections) {
    add(section.whole(), fmt::format("section {} {} \"{}\", instance {}, version {}", section.id,
                                     SectionTypeName(section.type), section.name, section.instance,
                                     section.version));
  }
  for (const StreamBlock& block : stream.blocks) add(block.entry, "  " + BlockLine(block));
  add({stream.end_mark, 1}, "end");
  add(stream.description, "description of devices");
  std::string text = fmt::format("{:>12} {:>12}\n", "offset", "size");
  for (const auto& [offset, line] : lines) text += line;
  return text;
}

Json StreamToJson(const MigrationStream& stream) {
  std::vector<Json> commands, sections, blocks;
  for (const StreamCommand& command : stream.commands) {
    commands.push_back(Json::Object({{"name", command.name},
                                     {"header", RangeToJson(command.header)},
                                     {"data", RangeToJson(command.data)}}));
  }
  for (const StreamSection& section : stream.sections) sections.push_back(SectionToJson(section));
  for (const StreamBlock& block : stream.blocks) blocks.push_back(BlockToJson(block));
  return Json::Object({{"version", uint64_t{stream.version}},
                       {"page-size", stream.page_size},
                       {"configuration",
                        stream.configuration ? ConfigurationToJson(*stream.configuration) : Json()},
                       {"commands", Json::Array(commands)},
                       {"sections", Json::Array(sections)},
                       {"blocks", Json::Array(blocks)},
                       {"end-mark", stream.end_mark},
                       {"description", RangeToJson(stream.description)},
                       {"devices", stream.devices}});
}

std::string DescribePages(const MigrationStream& stream) {
  std::string text;
  for (const StreamPage& page : stream.pages) {
    text += Line(page.content, fmt::format("{} page {:#x} of \"{}\"", PageKindName(page.kind),
                                           page.address, stream.blocks[page.block].name));
  }
  return text;
}

Json PagesToJson(const MigrationStream& stream) {
  std::vector<Json> pages;
  for (const StreamPage& page : stream.pages) {
    pages.push_back(Json::Object({{"kind", PageKindName(page.kind)},
                                  {"block", stream.blocks[page.block].name},
                                  {"address", page.address},
                                  {"content", RangeToJson(page.content)}}));
  }
  return Json::Array(pages);
}

}  // namespace tandem
