// SPDX-License-Identifier: Apache-2.0
// All RAM blocks of a machine (main memory, firmware, video RAM, …) and their comparison with those
// of another one. The oracle (ram_oracle.h) sees whether the guest's memory agrees with itself;
// this sees memory that is sound but not the source's, and what the guest never touches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/qemu/machine.h"

namespace tandem {

// One RAMBlock of QEMU, as the human monitor's `info ramblock` has it.
struct RamBlock {
  std::string name;            // "pc.ram", "0000:00:02.0/vga.vram"
  uint64_t used_bytes = 0;     // what is migrated
  uint64_t host_address = 0;   // in QEMU's address space; 0 when QEMU does not tell
  uint64_t page_bytes = 4096;  // PSize; compared in pieces of 4 KiB all the same
};

// The blocks in QEMU's order. QEMU 7.2 tells no host addresses: those of blocks that the CPU can
// see are found by `info mtree -f` and `gpa2hva`. Errors: QMP's; Internal when nothing can be read
// from the answer.
absl::StatusOr<std::vector<RamBlock>> QueryRamBlocks(Machine& machine, const Deadline& deadline);

// Where main memory ("pc.ram") begins in QEMU's address space. FailedPrecondition when QEMU does
// not tell; the errors of QueryRamBlocks.
absl::StatusOr<uint64_t> MainMemoryAddress(Machine& machine, const Deadline& deadline);

// What CompareRam found.
struct RamComparison {
  std::vector<std::string> compared;      // names of blocks
  std::vector<std::string> not_compared;  // QEMU does not tell where they are
  std::vector<std::string> differences;   // a sentence for each block that differs
  uint64_t compared_bytes = 0;

  bool equal() const { return differences.empty() && !compared.empty(); }
  std::string Summary() const;
};

// Compares every byte of all blocks of two machines, both stopped. Errors: those of QueryRamBlocks;
// PermissionDenied where process_vm_readv(2) is not permitted.
absl::StatusOr<RamComparison> CompareRam(Machine& one, Machine& other, const Deadline& deadline);

}  // namespace tandem
