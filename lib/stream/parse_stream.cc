// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include "lib/base/status.h"
#include "lib/stream/byte_reader.h"
#include "lib/stream/device_layout.h"
#include "lib/stream/migration_stream.h"
#include "lib/stream/ram_section.h"

namespace tandem {
namespace {

constexpr uint32_t kMagic = 0x5145564d;  // "QEVM"
constexpr uint32_t kVersion = 3;

// What a part begins with, besides the types of sections (QEMU_VM_… in QEMU).
constexpr uint8_t kEndMark = 0x00;
constexpr uint8_t kSubsection = 0x05;
constexpr uint8_t kDescription = 0x06;
constexpr uint8_t kConfiguration = 0x07;
constexpr uint8_t kCommand = 0x08;
constexpr uint8_t kFooter = 0x7e;

constexpr uint16_t kPackaged = 7;
constexpr std::array<std::string_view, 12> kCommandNames = {
    "invalid",         "open-return-path", "ping",    "postcopy-advise",
    "postcopy-listen", "postcopy-run",     "discard", "packaged",
    "enable-colo",     "postcopy-resume",  "bitmap",  "switchover-start"};

constexpr uint32_t kLongestMachineType = 255;
constexpr uint32_t kMostCapabilities = 256;
constexpr uint64_t kFooterBytes = 5;

// One pass over one stream.
class StreamParser {
 public:
  StreamParser(std::span<const std::byte> file, uint64_t start)
      : reader_(file, start), start_(start), ram_(reader_, stream_) {}

  absl::StatusOr<MigrationStream> Parse();

 private:
  absl::Status ParseHeader();
  absl::Status ParseParts();
  absl::Status ParseConfiguration();
  absl::Status ParseConfigurationSubsection(StreamConfiguration& configuration);
  absl::Status ParseCapabilities(StreamConfiguration& configuration);
  absl::Status ParseCommand();
  absl::Status ParseSection(SectionType type);
  absl::Status ParseSectionHeader(StreamSection& section);
  absl::Status ParsePayload(StreamSection& section);
  absl::Status ParseFooter(StreamSection& section);
  absl::StatusOr<uint64_t> FindFooter(const StreamSection& section) const;
  absl::Status ParseDescription();

  ByteReader reader_;
  const uint64_t start_;
  MigrationStream stream_;
  RamSectionParser ram_;
  StreamDescription description_;
  std::map<uint32_t, StreamSection> started_;  // by id
};

absl::StatusOr<MigrationStream> StreamParser::Parse() {
  TANDEM_RETURN_IF_ERROR(ParseHeader());
  TANDEM_ASSIGN_OR_RETURN(description_, FindDescription(reader_.bytes(), start_));
  stream_.page_size = description_.page_size;
  TANDEM_RETURN_IF_ERROR(ParseParts());
  TANDEM_RETURN_IF_ERROR(ParseDescription());
  TANDEM_RETURN_IF_ERROR(ram_.ReadBitmaps());
  return std::move(stream_);
}

absl::Status StreamParser::ParseHeader() {
  TANDEM_ASSIGN_OR_RETURN(uint32_t magic, reader_.U32("the magic number QEVM"));
  if (magic != kMagic) {
    return StreamError(start_, "expected the magic number {:#x} (QEVM), found {:#x}", kMagic,
                       magic);
  }
  TANDEM_ASSIGN_OR_RETURN(stream_.version, reader_.U32("the stream's version"));
  if (stream_.version != kVersion) {
    return StreamError(start_ + 4, "expected version {} of the stream, found {}", kVersion,
                       stream_.version);
  }
  stream_.header = reader_.Since(start_);
  return absl::OkStatus();
}

absl::Status StreamParser::ParseParts() {
  while (true) {
    uint64_t offset = reader_.position();
    TANDEM_ASSIGN_OR_RETURN(uint8_t type, reader_.U8("the type of a section"));
    switch (type) {
      case kEndMark:
        stream_.end_mark = offset;
        return absl::OkStatus();
      case kConfiguration:
        TANDEM_RETURN_IF_ERROR(ParseConfiguration());
        break;
      case kCommand:
        TANDEM_RETURN_IF_ERROR(ParseCommand());
        break;
      case static_cast<uint8_t>(SectionType::kStart):
      case static_cast<uint8_t>(SectionType::kPart):
      case static_cast<uint8_t>(SectionType::kEnd):
      case static_cast<uint8_t>(SectionType::kFull):
        TANDEM_RETURN_IF_ERROR(ParseSection(static_cast<SectionType>(type)));
        break;
      default:
        return StreamError(offset, "expected the type of a section, found {:#x}", type);
    }
  }
}

absl::Status StreamParser::ParseConfiguration() {
  uint64_t start = reader_.position() - 1;
  if (stream_.configuration || !stream_.sections.empty()) {
    return StreamError(start, "expected no configuration here, it comes once and first");
  }
  StreamConfiguration configuration;
  uint64_t length_offset = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(uint32_t length, reader_.U32("the length of the machine type"));
  configuration.length = reader_.Since(length_offset);
  if (length > kLongestMachineType) {
    return StreamError(length_offset, "expected the length of the machine type, found {}", length);
  }
  TANDEM_ASSIGN_OR_RETURN(configuration.machine_type, reader_.Text(length, "the machine type"));
  while (reader_.Peek() == kSubsection) {
    TANDEM_RETURN_IF_ERROR(ParseConfigurationSubsection(configuration));
  }
  configuration.whole = reader_.Since(start);
  stream_.configuration = std::move(configuration);
  return absl::OkStatus();
}

absl::Status StreamParser::ParseConfigurationSubsection(StreamConfiguration& configuration) {
  uint64_t start = reader_.position();
  TANDEM_RETURN_IF_ERROR(reader_.Skip(1, "a subsection").status());
  TANDEM_ASSIGN_OR_RETURN(std::string name, reader_.Name("the name of a subsection"));
  TANDEM_RETURN_IF_ERROR(reader_.U32("the version of a subsection").status());
  if (name == "configuration/capabilities") return ParseCapabilities(configuration);
  if (name == "configuration/target-page-bits") {
    TANDEM_ASSIGN_OR_RETURN(configuration.page_bits, reader_.U32("the bits of a page's size"));
    return absl::OkStatus();
  }
  if (name == "configuration/uuid") {
    TANDEM_ASSIGN_OR_RETURN(std::string uuid, reader_.Text(16, "a UUID"));
    for (char c : uuid) configuration.uuid += fmt::format("{:02x}", static_cast<uint8_t>(c));
    return absl::OkStatus();
  }
  return StreamError(start, "expected a subsection of the configuration, found \"{}\"", name);
}

absl::Status StreamParser::ParseCapabilities(StreamConfiguration& configuration) {
  uint64_t start = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(uint32_t count, reader_.U32("the number of capabilities"));
  if (count > kMostCapabilities) {
    return StreamError(start, "expected the number of capabilities, found {}", count);
  }
  for (uint32_t i = 0; i < count; ++i) {
    TANDEM_ASSIGN_OR_RETURN(std::string name, reader_.Name("a capability"));
    configuration.capabilities.push_back(std::move(name));
  }
  return absl::OkStatus();
}

absl::Status StreamParser::ParseCommand() {
  StreamCommand command;
  uint64_t start = reader_.position() - 1;
  TANDEM_ASSIGN_OR_RETURN(command.command, reader_.U16("a command"));
  TANDEM_ASSIGN_OR_RETURN(uint16_t length, reader_.U16("the length of a command"));
  command.header = reader_.Since(start);
  TANDEM_ASSIGN_OR_RETURN(command.data, reader_.Skip(length, "a command's data"));
  if (command.command == 0 || command.command >= kCommandNames.size()) {
    return StreamError(start, "expected a command, 1 to {}, found {}", kCommandNames.size() - 1,
                       command.command);
  }
  command.name = std::string(kCommandNames[command.command]);
  if (command.command == kPackaged) {
    return StreamError(start, "expected no package: postcopy sends one, and no file can");
  }
  stream_.commands.push_back(std::move(command));
  return absl::OkStatus();
}

absl::Status StreamParser::ParseSection(SectionType type) {
  StreamSection section;
  section.type = type;
  TANDEM_RETURN_IF_ERROR(ParseSectionHeader(section));
  if (absl::Status status = ParsePayload(section); !status.ok()) {
    return WithContext(status, fmt::format("in section {} (\"{}\", {})", section.id, section.name,
                                           SectionTypeName(type)));
  }
  TANDEM_RETURN_IF_ERROR(ParseFooter(section));
  stream_.sections.push_back(std::move(section));
  return absl::OkStatus();
}

absl::Status StreamParser::ParseSectionHeader(StreamSection& section) {
  uint64_t start = reader_.position() - 1;
  TANDEM_ASSIGN_OR_RETURN(section.id, reader_.U32("the id of a section"));
  bool begins = section.type == SectionType::kStart || section.type == SectionType::kFull;
  if (begins) {
    TANDEM_ASSIGN_OR_RETURN(section.name, reader_.Name("the name of a device"));
    TANDEM_ASSIGN_OR_RETURN(section.instance, reader_.U32("the instance of a device"));
    TANDEM_ASSIGN_OR_RETURN(section.version, reader_.U32("the version of a device"));
    section.header = reader_.Since(start);
    if (!started_.emplace(section.id, section).second) {
      return StreamError(start + 1, "expected a new section id, found {} (\"{}\") again",
                         section.id, section.name);
    }
    return absl::OkStatus();
  }
  auto found = started_.find(section.id);
  if (found == started_.end() || found->second.type != SectionType::kStart) {
    return StreamError(start + 1, "expected the id of a section that was started, found {}",
                       section.id);
  }
  section.name = found->second.name;
  section.instance = found->second.instance;
  section.version = found->second.version;
  section.header = reader_.Since(start);
  return absl::OkStatus();
}

absl::Status StreamParser::ParsePayload(StreamSection& section) {
  uint64_t start = reader_.position();
  if (section.type != SectionType::kFull && section.name == "ram") {
    TANDEM_RETURN_IF_ERROR(ram_.ParsePayload());
  } else if (section.type == SectionType::kFull) {
    auto size = description_.payload_bytes.find({section.name, section.instance});
    if (size == description_.payload_bytes.end()) {
      return StreamError(section.header.offset,
                         "expected a device of the description, found \"{}\", instance {}",
                         section.name, section.instance);
    }
    TANDEM_RETURN_IF_ERROR(reader_.Skip(size->second, "the device's state").status());
  } else {
    TANDEM_ASSIGN_OR_RETURN(uint64_t footer, FindFooter(section));
    reader_.MoveTo(footer);
  }
  section.payload = reader_.Since(start);
  return absl::OkStatus();
}

absl::Status StreamParser::ParseFooter(StreamSection& section) {
  uint64_t start = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(uint8_t type, reader_.U8("the footer of a section"));
  TANDEM_ASSIGN_OR_RETURN(uint32_t id, reader_.U32("the id in the footer of a section"));
  if (type != kFooter || id != section.id) {
    return StreamError(start,
                       "expected the footer ({:#x} and {}) of section {} (\"{}\"), found {:#x} and "
                       "{}",
                       kFooter, section.id, section.id, section.name, type, id);
  }
  section.footer = reader_.Since(start);
  return absl::OkStatus();
}

// Of what is neither RAM nor described, such as dirty bitmaps: the first footer with this id that
// is followed by something that may begin a part.
absl::StatusOr<uint64_t> StreamParser::FindFooter(const StreamSection& section) const {
  uint64_t last = description_.whole.offset;
  for (uint64_t at = reader_.position(); at + kFooterBytes < last; ++at) {
    if (BigEndian(reader_.bytes(), at, 1) != kFooter) continue;
    if (BigEndian(reader_.bytes(), at + 1, 4) != section.id) continue;
    uint64_t next = BigEndian(reader_.bytes(), at + kFooterBytes, 1);
    if (next <= static_cast<uint8_t>(SectionType::kFull) || next == kCommand) return at;
  }
  return StreamError(reader_.position(), "expected the state of a device and a footer, found none");
}

absl::Status StreamParser::ParseDescription() {
  uint64_t start = reader_.position();
  TANDEM_ASSIGN_OR_RETURN(uint8_t type, reader_.U8("the description of devices"));
  if (type != kDescription || start != description_.whole.offset) {
    return StreamError(start, "expected the description of devices, which is at {:#x}, found {:#x}",
                       description_.whole.offset, type);
  }
  stream_.description = description_.whole;
  stream_.description_text = description_.text;
  stream_.devices = std::move(description_.json);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MigrationStream> ParseStream(std::span<const std::byte> file, uint64_t start) {
  if (start > file.size()) {
    return StreamError(start, "expected a stream, but the file ends at {:#x}", file.size());
  }
  return StreamParser(file, start).Parse();
}

}  // namespace tandem
