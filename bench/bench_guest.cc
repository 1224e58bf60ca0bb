// SPDX-License-Identifier: Apache-2.0
#include "bench/bench_guest.h"

#include "lib/base/status.h"
#include "lib/guest/accelerator.h"
#include "lib/guest/guest_image.h"

namespace tandem {
namespace {

constexpr absl::Duration kStepTime = absl::Seconds(20);

absl::StatusOr<BenchSettings> Read() {
  BenchSettings settings;
  TANDEM_ASSIGN_OR_RETURN(settings.binary, QemuBinaryFromEnvironment(MigrationSide::kSource));
  absl::StatusOr<const BinaryFacts*> facts = FactsOf(settings.binary, Deadline::After(kStepTime));
  if (!facts.ok()) return WithContext(facts.status(), settings.binary.origin);
  settings.facts = *facts;
  for (GuestBoot boot : {GuestBoot::kRom, GuestBoot::kDisk}) {
    TANDEM_RETURN_IF_ERROR(FindGuestImage(settings.facts->target, boot).status());
  }
  TANDEM_ASSIGN_OR_RETURN(settings.accelerator,
                          UsableAccelerator(settings.binary, *settings.facts));
  return settings;
}

}  // namespace

absl::StatusOr<const BenchSettings*> BenchSettings::Get() {
  static const auto* settings = new absl::StatusOr<BenchSettings>(Read());
  if (!settings->ok()) return settings->status();
  return &**settings;
}

absl::StatusOr<std::unique_ptr<BenchGuest>> BenchGuest::Launch(MachineFamily family,
                                                               GuestBoot boot) {
  TANDEM_ASSIGN_OR_RETURN(const BenchSettings* settings, BenchSettings::Get());
  std::unique_ptr<BenchGuest> bench(new BenchGuest);
  MachineOptions options{.role = "guest", .accelerator = settings->accelerator};
  TANDEM_ASSIGN_OR_RETURN(options.machine_type,
                          CommonMachineType(family, *settings->facts, *settings->facts));
  TANDEM_ASSIGN_OR_RETURN(bench->scratch_, ScratchDirectory::Create());
  TANDEM_ASSIGN_OR_RETURN(
      bench->guest_, GuestMachine::Launch(settings->binary, settings->facts->target, options,
                                          {.boot = boot}, *bench->scratch_, bench->recording_));
  return bench;
}

absl::StatusOr<std::unique_ptr<BenchGuest>> BenchGuest::Start() {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<BenchGuest> bench,
                          Launch(MachineFamily::kPc, GuestBoot::kRom));
  const Deadline deadline = Deadline::After(kStepTime);
  TANDEM_RETURN_IF_ERROR(bench->machine().AwaitReady(deadline));
  TANDEM_RETURN_IF_ERROR(bench->guest().WaitForBoot(deadline));
  return bench;
}

absl::Status BenchGuest::WaitForFirstByte() {
  const Deadline deadline = Deadline::After(kStepTime);
  TANDEM_RETURN_IF_ERROR(machine().AwaitReady(deadline));
  return recording_.Wait(deadline, "the guest's first byte",
                         [this] { return machine().serial().size() > 0; });
}

}  // namespace tandem
