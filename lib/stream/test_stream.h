// SPDX-License-Identifier: Apache-2.0
// Streams made by hand, for tests of the parser: as QEMU sends them, but of a few pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tandem {

// Appends the parts of a stream, big-endian. A value.
class TestStream {
 public:
  static constexpr uint64_t kPageBytes = 1024;

  TestStream& Number(uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  TestStream& Text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  TestStream& Name(std::string_view name) { return Number(name.size(), 1).Text(name); }
  TestStream& Fill(char value, size_t count) {
    bytes_.append(count, value);
    return *this;
  }
  // Bytes of the value 0xee up to `offset`.
  TestStream& PadTo(size_t offset) { return Fill('\xee', offset - bytes_.size()); }

  TestStream& Header() { return Text("QEVM").Number(3, 4); }
  TestStream& Configuration(std::string_view machine_type) {
    return Number(0x07, 1).Number(machine_type.size(), 4).Text(machine_type);
  }
  TestStream& Capability(std::string_view name) {
    Number(0x05, 1).Name("configuration/capabilities").Number(1, 4);
    return Number(1, 4).Name(name);
  }
  TestStream& Command(uint16_t command, std::string_view data) {
    return Number(0x08, 1).Number(command, 2).Number(data.size(), 2).Text(data);
  }
  // Type 1 (start) and 4 (full) have a name; 2 (part) and 3 (end) have none.
  TestStream& Section(uint8_t type, uint32_t id, std::string_view name = "", uint32_t version = 1) {
    Number(type, 1).Number(id, 4);
    return name.empty() ? *this : Name(name).Number(0, 4).Number(version, 4);
  }
  TestStream& Footer(uint32_t id) { return Number(0x7e, 1).Number(id, 4); }
  TestStream& EndOfRam() { return Number(0x10, 8); }
  TestStream& Description(std::string_view json) {
    return Number(0, 1).Number(0x06, 1).Number(json.size(), 4).Text(json);
  }

  size_t size() const { return bytes_.size(); }
  std::string& text() { return bytes_; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

// The description of SmallStream's devices.
inline constexpr std::string_view kSmallDescription =
    R"({"page_size": 1024, "devices": [)"
    R"({"name": "timer", "instance_id": 0, "version": 2, "fields": [)"
    R"({"name": "ticks", "type": "int64", "size": 8},)"
    R"({"name": "regs", "array_len": 3, "type": "uint16", "size": 2}],)"
    R"("subsections": [{"vmsd_name": "timer/late", "version": 1, "fields": [)"
    R"({"name": "late", "type": "bool", "size": 1}]}]}]})";

// Two blocks with four pages, sent in three sections, a command, and one device.
inline TestStream SmallStream() {
  constexpr uint64_t kPage = TestStream::kPageBytes;
  TestStream stream;
  stream.Header().Configuration("pc-q35-11.1").Section(1, 2, "ram", 4);
  stream.Number(4 * kPage | 0x04, 8).Name("pc.ram").Number(3 * kPage, 8);
  stream.Name("rom").Number(kPage, 8).EndOfRam().Footer(2);
  stream.Section(2, 2);
  stream.Number(0 | 0x08, 8).Name("pc.ram").Fill('a', kPage);  // a page and its block
  stream.Number(kPage | 0x02 | 0x20, 8).Number(0, 1);          // zeros, in the same block
  stream.Number(0 | 0x08, 8).Name("rom").Fill('r', kPage);     // another block
  stream.EndOfRam().Footer(2).Command(11, "");                 // switchover-start
  stream.Section(3, 2).Number(0x200, 8);                       // a flush of multifd
  stream.Number(0 | 0x08, 8).Name("pc.ram").Fill('b', kPage);  // a page again
  stream.Number(2 * kPage | 0x40 | 0x20, 8).Number(1, 1).Number(5, 2).Text("delta");
  stream.EndOfRam().Footer(2);
  stream.Section(4, 0, "timer", 2).Fill('t', 8 + 3 * 2);
  stream.Number(0x05, 1).Name("timer/late").Number(1, 4).Fill('l', 1).Footer(0);
  return stream.Description(kSmallDescription);
}

// One mapped block of three pages, of which the first and the last were sent.
inline TestStream SmallMappedStream() {
  constexpr uint64_t kPage = TestStream::kPageBytes;
  constexpr uint64_t kPages = 512;
  TestStream stream;
  stream.Header().Configuration("pc").Capability("mapped-ram").Section(1, 2, "ram", 4);
  stream.Number(3 * kPage | 0x04, 8).Name("pc.ram").Number(3 * kPage, 8);
  uint64_t bitmap = stream.size() + 28;
  stream.Number(1, 4).Number(kPage, 8).Number(bitmap, 8).Number(kPages, 8);
  stream.Text(std::string("\x05\0\0\0\0\0\0\0", 8)).PadTo(kPages);
  stream.Fill('a', kPage).Fill('\0', kPage).Fill('c', kPage);
  stream.EndOfRam().Footer(2).Section(3, 2).EndOfRam().Footer(2);
  return stream.Description(R"({"page_size": 1024, "devices": []})");
}

}  // namespace tandem
