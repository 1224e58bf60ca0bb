// SPDX-License-Identifier: Apache-2.0
// Access to the guest RAM of a running QEMU that changes nothing about it: no extra device, no
// shared memory, no qtest.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/guest/guest_memory.h"
#include "lib/process/scratch_directory.h"
#include "lib/qemu/machine.h"

namespace tandem {

// Why QEMU's memory could not be read: how QEMU died where it is gone, else the errno.
absl::Status MemoryReadError(Machine& machine, int error);

// Reads (and, for tests of the checks themselves, writes) guest-physical memory. Addresses come
// from the human monitor's `gpa2hva`, bytes by process_vm_readv(2). Where that is not permitted
// (another user's QEMU, ptrace_scope), reading falls back to `pmemsave` into a file. Not
// thread-safe.
class MachineMemory : public GuestMemory {
 public:
  // Both must outlive this object.
  MachineMemory(Machine& machine, const ScratchDirectory& scratch)
      : machine_(machine), scratch_(scratch) {}

  // OutOfRange where there is no RAM, or none that is contiguous in QEMU; MemoryReadError() when
  // QEMU is gone; DataLoss when `pmemsave` wrote too little; QMP's errors.
  absl::Status Read(uint64_t gpa, std::span<std::byte> out, const Deadline& deadline) override;
  // As Read, but PermissionDenied where process_vm_writev(2) is not permitted: nothing takes its
  // place.
  absl::Status Write(uint64_t gpa, std::span<const std::byte> bytes, const Deadline& deadline);

  // Forgets where guest memory lies in QEMU's address space: another QEMU is in the process.
  void Forget() { runs_.clear(); }

  // Forces one way of reading; for tests and benchmarks.
  enum class Method { kProcessVm, kPmemsave };
  void set_method(Method method) { method_ = method; }
  Method method() const { return method_; }

 private:
  struct Run {  // guest memory that is contiguous in QEMU's address space
    uint64_t gpa, size, hva;
  };
  absl::StatusOr<uint64_t> Translate(uint64_t gpa, const Deadline& deadline);
  absl::StatusOr<uint64_t> HostAddress(uint64_t gpa, uint64_t size, const Deadline& deadline);
  absl::Status ReadByPmemsave(uint64_t gpa, std::span<std::byte> out, const Deadline& deadline);

  Machine& machine_;
  const ScratchDirectory& scratch_;
  Method method_ = Method::kProcessVm;
  std::vector<Run> runs_;
};

}  // namespace tandem
