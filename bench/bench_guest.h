// SPDX-License-Identifier: Apache-2.0
// A real QEMU with Tandem's guest, for benchmarks.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "lib/guest/guest_machine.h"
#include "lib/qemu/binary_facts.h"
#include "lib/qemu/machine_type.h"

namespace tandem {

// The QEMU that the environment names for the source, and what is known of it.
struct BenchSettings {
  QemuBinary binary;
  const BinaryFacts* facts = nullptr;  // never null in what Get() returns
  std::string accelerator;

  // Read once. NotFound when there is no QEMU or no guest image, as it was named or at all; another
  // error when a variable makes no sense.
  static absl::StatusOr<const BenchSettings*> Get();
};

// Owns the machine, its recording and its folder.
class BenchGuest {
 public:
  // Returns when QEMU is spawned. Call from the main thread.
  static absl::StatusOr<std::unique_ptr<BenchGuest>> Launch(MachineFamily family, GuestBoot boot);
  // The same on a pc from the ROM; returns when the guest has swept once.
  static absl::StatusOr<std::unique_ptr<BenchGuest>> Start();

  GuestMachine& guest() { return *guest_; }
  Machine& machine() { return guest_->machine(); }
  absl::Status WaitForFirstByte();

 private:
  BenchGuest() = default;

  std::unique_ptr<ScratchDirectory> scratch_;
  Recording recording_;
  std::unique_ptr<GuestMachine> guest_;
};

}  // namespace tandem
