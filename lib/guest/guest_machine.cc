// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/guest_machine.h"

#include <optional>

#include "lib/base/status.h"
#include "lib/guest/sweeper_progress.h"

namespace tandem {
namespace {

std::string LastOutput(const std::string& text) {
  constexpr size_t kShown = 60;
  return text.size() <= kShown ? text : "…" + text.substr(text.size() - kShown);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GuestMachine>> GuestMachine::Launch(
    const QemuBinary& binary, const std::string& target, MachineOptions options,
    const GuestOptions& guest, const ScratchDirectory& scratch, Recording& recording) {
  TANDEM_RETURN_IF_ERROR(AddGuest(target, guest, options));
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Machine> machine,
                          Machine::Launch(binary, options, scratch, recording));
  return std::unique_ptr<GuestMachine>(new GuestMachine(std::move(machine), scratch));
}

absl::Status GuestMachine::WaitForBoot(const Deadline& deadline) const {
  TANDEM_RETURN_IF_ERROR(machine_->recording().Wait(
      deadline, fmt::format("the first sweep of the guest on the {}", role()),
      [this] {
        ConsoleSummary seen = console();
        return seen.sweeps > 0 || !seen.failures.empty();
      },
      [this] { return fmt::format("console \"{}\"", machine_->serial().TextAfter(0)); }));
  return WaitForSweeps(0, deadline);
}

absl::Status GuestMachine::WaitForSweeps(size_t count, const Deadline& deadline) const {
  SerialPort& serial = machine_->serial();
  size_t start = serial.size();
  size_t sweeps = 0;
  std::vector<std::string> failures;
  TANDEM_RETURN_IF_ERROR(machine_->recording().Wait(
      deadline, fmt::format("{} sweeps of the guest on the {}", count, role()),
      [&] {
        sweeps = SummarizeConsole(serial.TextAfter(start)).sweeps;
        failures = console().failures;
        return sweeps >= count || !failures.empty();
      },
      [&] {
        return fmt::format("{} of them came, console ends in \"{}\"{}", sweeps,
                           LastOutput(serial.TextAfter(0)), AwaitedSweepers());
      }));
  if (failures.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss,
                   "the guest on the {} reports {} failed self-checks, the first: {}", role(),
                   failures.size(), failures.front());
}

absl::StatusOr<TandemGuestState> GuestMachine::ReadGuestState(const Deadline& deadline) const {
  TANDEM_ASSIGN_OR_RETURN(TandemGuestState state, tandem::ReadGuestState(memory_, deadline));
  if (state.magic != kTandemGuestStateMagic) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "the {} holds no Tandem guest (magic {:#x})", role(), state.magic);
  }
  return state;
}

std::string GuestMachine::AwaitedSweepers() const {
  absl::StatusOr<TandemGuestState> state = ReadGuestState(Deadline::After(absl::Seconds(1)));
  std::string awaited = state.ok() ? DescribeAwaitedSweepers(*state) : "";
  return awaited.empty() ? "" : "; " + awaited;
}

absl::Status GuestMachine::WaitForSweepsInMemory(uint64_t count, const Deadline& deadline) const {
  std::optional<uint64_t> begin;
  uint64_t position = 0;
  return machine_->Poll(
      fmt::format("{} sweeps in the memory of the guest on the {}", count, role()),
      [&]() -> absl::StatusOr<bool> {
        absl::StatusOr<TandemGuestState> now = ReadGuestState(deadline);
        if (absl::IsFailedPrecondition(now.status())) return false;  // it is starting
        if (!now.ok()) return now.status();
        position = now->position;
        if (!begin || position < *begin) begin = position;  // or it was started anew
        return position >= *begin + count * now->layout.page_count;
      },
      [&] { return fmt::format("position {}, {} at first", position, begin.value_or(0)); },
      deadline);
}

absl::StatusOr<OracleReport> GuestMachine::VerifyRam(const Deadline& deadline) const {
  TANDEM_ASSIGN_OR_RETURN(std::string state, machine_->RunState(deadline));
  bool was_running = state == "running";
  if (was_running) TANDEM_RETURN_IF_ERROR(machine_->Stop(deadline));
  absl::StatusOr<OracleReport> report = VerifyGuestRam(memory_, deadline);
  if (was_running) TANDEM_RETURN_IF_ERROR(machine_->Cont(deadline));
  machine_->recording().Append(
      role(), EntryKind::kNote,
      report.ok() ? "RAM oracle: " + report->Summary() : "RAM oracle: " + Message(report.status()));
  return report;
}

}  // namespace tandem
