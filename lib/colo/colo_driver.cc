// SPDX-License-Identifier: Apache-2.0
#include "lib/colo/colo_driver.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

// A bandwidth and a downtime limit that never hold COLO's first synchronization back.
constexpr int64_t kUnlimitedBandwidth = 10'000'000'000;
constexpr int64_t kDowntimeLimitMs = 30'000;

Json MigrationYank() {
  return Json::Object({{"instances", Json::Array({Json::Object({{"type", "migration"}})})}});
}

}  // namespace

absl::Status ColoDriver::Start(const ColoOptions& options, const Deadline& deadline) {
  MigrationCapabilities capabilities = options.capabilities;
  capabilities.Enable(capability::kColo);
  if (options.return_path) capabilities.Enable(capability::kReturnPath);
  MigrationParameters parameters = options.parameters;
  if (options.multifd) {
    capabilities.Enable(capability::kMultifd);
    parameters.multifd_channels = options.multifd_channels;
  }
  Machine& primary = machine(ColoRole::kPrimary);
  Machine& secondary = machine(ColoRole::kSecondary);
  for (Machine* each : {&secondary, &primary}) {
    TANDEM_RETURN_IF_ERROR(SetCapabilities(*each, capabilities, deadline));
  }
  TANDEM_RETURN_IF_ERROR(SetParameters(secondary, parameters, deadline));
  parameters.max_bandwidth = kUnlimitedBandwidth;
  parameters.downtime_limit_ms = kDowntimeLimitMs;
  parameters.checkpoint_delay_ms = options.checkpoint_delay_ms;
  TANDEM_RETURN_IF_ERROR(SetParameters(primary, parameters, deadline));

  TANDEM_ASSIGN_OR_RETURN(
      MigrationAddress address,
      migration_.Listen(MigrationAddress::Tcp("127.0.0.1", 0), AddressSpelling::kUri, deadline));
  absl::Time start = absl::Now();
  TANDEM_RETURN_IF_ERROR(migration_.Start(address, AddressSpelling::kUri, deadline));
  TANDEM_RETURN_IF_ERROR(migration_.WaitForStatus(MigrationStatus::kColo, deadline));
  TANDEM_ASSIGN_OR_RETURN(QmpEvent resumed, AwaitFirstResume(deadline));
  time_to_colo_ = resumed.qemu_time - start;
  begin_[static_cast<int>(ColoRole::kPrimary)] = migration_.source_cursor();
  begin_[static_cast<int>(ColoRole::kSecondary)] = migration_.destination_cursor();
  return absl::OkStatus();
}

absl::StatusOr<QmpEvent> ColoDriver::AwaitFirstResume(const Deadline& deadline) {
  auto decides = [](const QmpEvent& event) {
    return MigrationEvent("colo")(event) || MigrationEvent("completed")(event) ||
           MigrationEvent("failed")(event);
  };
  QmpClient& secondary = machine(ColoRole::kSecondary).qmp();
  TANDEM_ASSIGN_OR_RETURN(QmpEvent event,
                          secondary.WaitForEvent(migration_.destination_cursor(), decides,
                                                 "MIGRATION of COLO's start", deadline));
  if (!MigrationEvent("colo")(event)) {
    return MakeError(absl::StatusCode::kAborted,
                     "the secondary does not enter COLO: its migration has {}",
                     event.data["status"].Text());
  }
  return secondary.WaitForEvent(migration_.destination_cursor(), "RESUME", deadline);
}

absl::Status ColoDriver::WaitForCheckpoint(const Deadline& deadline,
                                           const std::function<void()>& at_stop) {
  Machine& primary = machine(ColoRole::kPrimary);
  Machine& secondary = machine(ColoRole::kSecondary);
  EventCursor on_secondary = secondary.events().cursor();
  TANDEM_ASSIGN_OR_RETURN(QmpEvent stopped,
                          primary.qmp().WaitForEvent(primary.events().cursor(), "STOP", deadline));
  if (at_stop && !primary.events().FindAfter(stopped.after, EventNamed("RESUME"))) at_stop();
  // The secondary stops a little before the primary and resumes a little before it as well, so its
  // first RESUME after the primary's STOP acknowledges this checkpoint.
  auto acknowledged = [&](const QmpEvent& event) {
    return event.name == "RESUME" && event.qemu_time > stopped.qemu_time;
  };
  return secondary.qmp()
      .WaitForEvent(on_secondary, acknowledged, "RESUME after the checkpoint", deadline)
      .status();
}

absl::Status ColoDriver::WaitForCheckpointOnSecondary(const Deadline& deadline) {
  Machine& secondary = machine(ColoRole::kSecondary);
  do {  // on a busy host the checkpoint may be over before this thread runs again
    TANDEM_RETURN_IF_ERROR(
        secondary.qmp().WaitForEvent(secondary.events().cursor(), "STOP", deadline).status());
  } while (!SecondaryIsStopped());
  return absl::OkStatus();
}

bool ColoDriver::SecondaryIsStopped() {
  bool stopped = false;
  for (const QmpEvent& event : machine(ColoRole::kSecondary).events().EventsAfter(0)) {
    if (event.name == "STOP") stopped = true;
    if (event.name == "RESUME") stopped = false;
  }
  return stopped;
}

absl::StatusOr<FailoverTimes> ColoDriver::FailOverTo(ColoRole survivor_role,
                                                     const Deadline& deadline,
                                                     const std::function<void()>& at_takeover) {
  Machine& survivor = machine(survivor_role);
  FailoverTimes times;
  EventCursor cursor = survivor.events().cursor();
  for (ColoRole role : {ColoRole::kPrimary, ColoRole::kSecondary}) {
    end_[static_cast<int>(role)] = machine(role).events().cursor();
  }
  times.in_checkpoint = SecondaryIsStopped();
  absl::Time start = absl::Now();
  TANDEM_RETURN_IF_ERROR(survivor.qmp().ExecuteOob("yank", MigrationYank(), deadline).status());
  times.yank_answered = absl::Now() - start;
  TANDEM_ASSIGN_OR_RETURN(
      PendingReply asked,
      survivor.qmp().Send("x-colo-lost-heartbeat", Json(), /*out_of_band=*/false, {}, deadline));
  if (at_takeover) {
    TANDEM_RETURN_IF_ERROR(survivor.qmp()
                               .WaitForEvent(cursor, MigrationEvent("completed"),
                                             "migration status completed", deadline)
                               .status());
    at_takeover();
  }
  TANDEM_RETURN_IF_ERROR(survivor.qmp().Receive(asked, deadline).status());
  times.heartbeat_answered = absl::Now() - start;
  TANDEM_RETURN_IF_ERROR(AwaitOutOfColo(survivor_role, deadline));
  times.left_colo = absl::Now() - start;
  return times;
}

absl::Status ColoDriver::AwaitOutOfColo(ColoRole survivor_role, const Deadline& deadline) {
  Machine& survivor = machine(survivor_role);
  // A survivor that noticed the loss by itself has said so before it was asked to take over.
  EventCursor begin = begin_[static_cast<int>(survivor_role)];
  TANDEM_RETURN_IF_ERROR(survivor.qmp().WaitForEvent(begin, "COLO_EXIT", deadline).status());
  ColoStatus status;
  std::string run_state;
  return survivor.Poll(
      fmt::format("the {} to leave COLO", survivor.role()),
      [&]() -> absl::StatusOr<bool> {
        TANDEM_ASSIGN_OR_RETURN(status, QueryColoStatus(survivor, deadline));
        TANDEM_ASSIGN_OR_RETURN(run_state, survivor.RunState(deadline));
        return status.mode == "none" && run_state == "running";
      },
      [&] { return fmt::format("COLO mode {}, guest {}", status.mode, run_state); }, deadline);
}

std::vector<CheckpointPause> ColoDriver::Pauses(ColoRole role) {
  std::vector<QmpEvent> events = machine(role).events().EventsAfter(begin_[static_cast<int>(role)]);
  std::erase_if(events,
                [&](const QmpEvent& event) { return event.after > end_[static_cast<int>(role)]; });
  // The first RESUME is COLO's start; a STOP before it was the switchover of a running guest.
  auto first_resume = std::find_if(events.begin(), events.end(), EventNamed("RESUME"));
  events.erase(events.begin(), first_resume);
  return CheckpointPauses(events);
}

}  // namespace tandem
