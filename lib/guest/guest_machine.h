// SPDX-License-Identifier: Apache-2.0
// A machine that runs Tandem's guest: progress is heard on its console, its memory and self-checks
// are verified from outside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/guest/guest_console.h"
#include "lib/guest/guest_image.h"
#include "lib/guest/machine_memory.h"
#include "lib/guest/ram_oracle.h"
#include "lib/qemu/machine.h"

namespace tandem {

// Owns the machine. Not thread-safe.
class GuestMachine {
 public:
  // Adds the guest for `target` (QAPI SysEmuTarget) to the options and launches; see AddGuest and
  // Machine::Launch, whose errors and conditions apply.
  static absl::StatusOr<std::unique_ptr<GuestMachine>> Launch(
      const QemuBinary& binary, const std::string& target, MachineOptions options,
      const GuestOptions& guest, const ScratchDirectory& scratch, Recording& recording);

  const std::string& role() const { return machine_->role(); }
  Machine& machine() { return *machine_; }
  const Machine& machine() const { return *machine_; }
  QmpClient& qmp() { return machine_->qmp(); }
  // For reading and damaging guest memory; lives as long as this object.
  MachineMemory& memory() { return memory_; }

  // Machine::AwaitSuccessor; the console begins anew.
  absl::Status AwaitSuccessor(const Deadline& deadline) {
    memory_.Forget();
    return machine_->AwaitSuccessor(deadline);
  }

  // All that the guest has printed on this machine. Needs a ready machine.
  ConsoleSummary console() const { return SummarizeConsole(machine_->serial().TextAfter(0)); }
  // Awaits the first sweep, which fills all of the test region. Errors: as WaitForSweeps.
  absl::Status WaitForBoot(const Deadline& deadline) const;
  // Awaits `count` sweeps that end after this call. A sweep ends when all processors that sweep
  // have completed it; DeadlineExceeded names those that have not. DataLoss when the guest reports
  // a failed self-check meanwhile or did before.
  absl::Status WaitForSweeps(size_t count, const Deadline& deadline) const;
  // The same by the guest's memory, which is polled: for a guest whose console tells of a restart.
  // Of a restart meanwhile, the sweeps behind it.
  absl::Status WaitForSweepsInMemory(uint64_t count, const Deadline& deadline) const;

  // The guest's own account of where it is; also while it runs. One page, read without QMP once its
  // address is known. FailedPrecondition where no Tandem guest has started.
  absl::StatusOr<TandemGuestState> ReadGuestState(const Deadline& deadline) const;

  // Stops the machine if it runs, verifies every byte of the test region, and lets it run on if it
  // ran. The report's summary goes into the recording. Errors: those of reading the
  // memory and of QMP; what is wrong with the guest stands in the report.
  absl::StatusOr<OracleReport> VerifyRam(const Deadline& deadline) const;

 private:
  GuestMachine(std::unique_ptr<Machine> machine, const ScratchDirectory& scratch)
      : machine_(std::move(machine)), memory_(*machine_, scratch) {}

  // "; " and which processors the others await, where several sweep and it can be read.
  std::string AwaitedSweepers() const;

  std::unique_ptr<Machine> machine_;
  mutable MachineMemory memory_;  // reading fills its table of addresses
};

}  // namespace tandem
