// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/ram_blocks.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <sstream>

#include "lib/base/status.h"
#include "lib/guest/machine_memory.h"

namespace tandem {
namespace {

constexpr uint64_t kPieceBytes = 4 << 20;
constexpr uint64_t kPageBytes = 4096;
// Pages that one sentence names.
constexpr size_t kNamedPages = 4;

// "               pc.ram    4 KiB  0x0000 0x9600000 0x9600000 0x7fc59e800000  rw"; no host address
// before QEMU 8.
std::optional<RamBlock> ParseBlock(const std::string& line) {
  std::istringstream words(line);
  RamBlock block;
  uint64_t page = 0, offset = 0, total = 0;
  std::string unit;
  if (!(words >> block.name >> page >> unit >> std::hex >> offset >> block.used_bytes >> total)) {
    return std::nullopt;
  }
  block.page_bytes = page * (unit == "MiB" ? 1 << 20 : unit == "GiB" ? 1 << 30 : 1 << 10);
  words >> block.host_address;
  return block;
}

// Where the CPU sees (part of) a block.
struct Mapping {
  uint64_t gpa = 0, offset = 0;
  std::string region;  // "pc.ram", "vga.vram": a block's name without its device
};

// "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram @00000000000c0000 KVM"
std::optional<Mapping> ParseMapping(const std::string& line) {
  size_t kind = line.find("): ");
  if (kind == std::string::npos || line.find(", i/o)") != std::string::npos) return std::nullopt;
  Mapping mapping;
  std::istringstream address(line);
  std::istringstream rest(line.substr(kind + 3));
  std::string at;
  if (!(address >> std::hex >> mapping.gpa) || !(rest >> mapping.region)) return std::nullopt;
  if (rest >> at && at.front() == '@') mapping.offset = std::strtoull(at.c_str() + 1, nullptr, 16);
  return mapping;
}

bool IsRegionOf(const std::string& region, const RamBlock& block) {
  return block.name == region || block.name.ends_with("/" + region);
}

absl::Status FindHostAddresses(Machine& machine, std::vector<RamBlock>& blocks,
                               const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::string views, machine.HumanMonitor("info mtree -f", deadline));
  std::istringstream lines(views);
  bool is_memory = false;  // the CPU's view, not that of I/O ports
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("FlatView")) is_memory = false;
    if (line.find("AS \"memory\"") != std::string::npos) is_memory = true;
    std::optional<Mapping> mapping = is_memory ? ParseMapping(line) : std::nullopt;
    if (!mapping) continue;
    for (RamBlock& block : blocks) {
      if (block.host_address != 0 || !IsRegionOf(mapping->region, block)) continue;
      TANDEM_ASSIGN_OR_RETURN(
          std::string answer,
          machine.HumanMonitor(fmt::format("gpa2hva {:#x}", mapping->gpa), deadline));
      size_t number = answer.rfind(" is 0x");
      if (number == std::string::npos) continue;
      block.host_address =
          std::strtoull(answer.c_str() + number + 6, nullptr, 16) - mapping->offset;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadHostMemory(Machine& machine, uint64_t address, std::span<std::byte> out) {
  iovec local{out.data(), out.size()};
  iovec remote{reinterpret_cast<void*>(address), out.size()};
  ssize_t size = process_vm_readv(machine.pid(), &local, 1, &remote, 1, 0);
  if (size == static_cast<ssize_t>(out.size())) return absl::OkStatus();
  return MemoryReadError(machine, size < 0 ? errno : EFAULT);
}

// The pages (by offset in the block) that differ.
absl::StatusOr<std::vector<uint64_t>> DifferingPages(Machine& one, uint64_t one_address,
                                                     Machine& other, uint64_t other_address,
                                                     uint64_t size, const Deadline& deadline) {
  std::vector<uint64_t> differing;
  std::vector<std::byte> ones(std::min(size, kPieceBytes)), others(ones.size());
  for (uint64_t offset = 0; offset < size; offset += ones.size()) {
    if (deadline.expired()) {
      return MakeError(absl::StatusCode::kDeadlineExceeded,
                       "comparing RAM: {} of {} bytes after {}", offset, size,
                       absl::FormatDuration(deadline.elapsed()));
    }
    size_t piece = std::min<uint64_t>(ones.size(), size - offset);
    TANDEM_RETURN_IF_ERROR(ReadHostMemory(one, one_address + offset, std::span(ones).first(piece)));
    TANDEM_RETURN_IF_ERROR(
        ReadHostMemory(other, other_address + offset, std::span(others).first(piece)));
    if (std::memcmp(ones.data(), others.data(), piece) == 0) continue;
    for (size_t page = 0; page < piece; page += kPageBytes) {
      size_t length = std::min<size_t>(kPageBytes, piece - page);
      if (std::memcmp(&ones[page], &others[page], length) != 0) differing.push_back(offset + page);
    }
  }
  return differing;
}

std::string DescribePages(const std::string& block, const std::vector<uint64_t>& pages) {
  std::string sentence = fmt::format("{}: {} pages differ, at", block, pages.size());
  for (size_t i = 0; i < std::min(kNamedPages, pages.size()); ++i) {
    sentence += fmt::format(" {:#x}", pages[i]);
  }
  return sentence + (pages.size() > kNamedPages ? fmt::format(" … {:#x}", pages.back()) : "");
}

}  // namespace

absl::StatusOr<std::vector<RamBlock>> QueryRamBlocks(Machine& machine, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::string answer, machine.HumanMonitor("info ramblock", deadline));
  std::istringstream lines(answer);
  std::vector<RamBlock> blocks;
  bool told = true;
  for (std::string line; std::getline(lines, line);) {
    std::optional<RamBlock> block = ParseBlock(line);
    if (!block) continue;
    told = told && block->host_address != 0;
    blocks.push_back(*std::move(block));
  }
  if (blocks.empty()) {
    return MakeError(absl::StatusCode::kInternal, "{}: no block in the answer of info ramblock: {}",
                     machine.role(), answer);
  }
  if (!told) TANDEM_RETURN_IF_ERROR(FindHostAddresses(machine, blocks, deadline));
  return blocks;
}

absl::StatusOr<uint64_t> MainMemoryAddress(Machine& machine, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<RamBlock> blocks, QueryRamBlocks(machine, deadline));
  auto main = std::find_if(blocks.begin(), blocks.end(),
                           [](const RamBlock& block) { return block.name == "pc.ram"; });
  if (main != blocks.end() && main->host_address != 0) return main->host_address;
  return absl::FailedPreconditionError("QEMU does not tell where pc.ram lies");
}

absl::StatusOr<RamComparison> CompareRam(Machine& one, Machine& other, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<RamBlock> ones, QueryRamBlocks(one, deadline));
  TANDEM_ASSIGN_OR_RETURN(std::vector<RamBlock> others, QueryRamBlocks(other, deadline));
  RamComparison result;
  for (const RamBlock& block : ones) {
    auto twin = std::find_if(others.begin(), others.end(),
                             [&](const RamBlock& each) { return each.name == block.name; });
    if (twin == others.end()) {
      result.differences.push_back(fmt::format("{} is on the {} only", block.name, one.role()));
      continue;
    }
    if (twin->used_bytes != block.used_bytes) {
      result.differences.push_back(fmt::format("{} has {} bytes on the {} and {} on the {}",
                                               block.name, block.used_bytes, one.role(),
                                               twin->used_bytes, other.role()));
      continue;
    }
    if (block.host_address == 0 || twin->host_address == 0) {
      result.not_compared.push_back(block.name);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(std::vector<uint64_t> pages,
                            DifferingPages(one, block.host_address, other, twin->host_address,
                                           block.used_bytes, deadline));
    result.compared.push_back(block.name);
    result.compared_bytes += block.used_bytes;
    if (!pages.empty()) result.differences.push_back(DescribePages(block.name, pages));
  }
  for (const RamBlock& block : others) {
    bool known = std::any_of(ones.begin(), ones.end(),
                             [&](const RamBlock& each) { return each.name == block.name; });
    if (!known) {
      result.differences.push_back(fmt::format("{} is on the {} only", block.name, other.role()));
    }
  }
  return result;
}

std::string RamComparison::Summary() const {
  std::string text = fmt::format("{} bytes in {} blocks compared ({})", compared_bytes,
                                 compared.size(), fmt::join(compared, ", "));
  if (!not_compared.empty()) {
    text += fmt::format("; not readable: {}", fmt::join(not_compared, ", "));
  }
  return differences.empty() ? text + "; all equal"
                             : fmt::format("{}; {}", text, fmt::join(differences, "; "));
}

}  // namespace tandem
