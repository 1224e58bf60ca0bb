// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/postcopy_driver.h"

#include "lib/base/status.h"

namespace tandem {
namespace {

std::vector<MigrationStatus> StatusesAfter(const Machine& machine, EventCursor mark) {
  std::vector<MigrationStatus> statuses;
  for (const QmpEvent& event : machine.events().EventsAfter(mark)) {
    if (event.name != "MIGRATION") continue;
    statuses.push_back(ParseMigrationStatus(event.data["status"].Text()));
  }
  return statuses;
}

}  // namespace

void PostcopyDriver::Mark() {
  source_mark_ = migration_.source().events().cursor();
  destination_mark_ = migration_.destination().events().cursor();
}

absl::Status PostcopyDriver::WaitForSource(MigrationStatus status, const Deadline& deadline) {
  return WaitForMigrationStatus(migration_.source(), source_mark_, status, deadline);
}

absl::Status PostcopyDriver::WaitForDestination(MigrationStatus status, const Deadline& deadline) {
  return WaitForMigrationStatus(migration_.destination(), destination_mark_, status, deadline);
}

absl::Status PostcopyDriver::WaitForBoth(MigrationStatus status, const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(WaitForSource(status, deadline));
  return WaitForDestination(status, deadline);
}

std::vector<MigrationStatus> PostcopyDriver::SourceStatuses() const {
  return StatusesAfter(migration_.source(), source_mark_);
}

std::vector<MigrationStatus> PostcopyDriver::DestinationStatuses() const {
  return StatusesAfter(migration_.destination(), destination_mark_);
}

absl::Status PostcopyDriver::Switch(bool guest_resumes, const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(BeginSwitch(deadline));
  return FinishSwitch(guest_resumes, deadline);
}

absl::Status PostcopyDriver::BeginSwitch(const Deadline& deadline) {
  Mark();
  return migration_.source().qmp().Execute("migrate-start-postcopy", deadline).status();
}

absl::Status PostcopyDriver::FinishSwitch(bool guest_resumes, const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(WaitForBoth(MigrationStatus::kPostcopyActive, deadline));
  // QEMU before 11.0 enters postcopy-active earlier, while a break is still the destination's end.
  if (!guest_resumes) return migration_.destination().PollRunState("paused", deadline);
  return migration_.destination()
      .qmp()
      .WaitForEvent(destination_mark_, "RESUME", deadline)
      .status();
}

absl::Status PostcopyDriver::Pause(Machine& machine, const Deadline& deadline) {
  return machine.qmp().ExecuteOob("migrate-pause", Json(), deadline).status();
}

absl::Status PostcopyDriver::Listen(const MigrationAddress& address, const Deadline& deadline) {
  return migration_.destination()
      .qmp()
      .ExecuteOob("migrate-recover", Json::Object({{"uri", address.Uri()}}), deadline)
      .status();
}

absl::Status PostcopyDriver::Resume(const MigrationAddress& address, AddressSpelling spelling,
                                    const Deadline& deadline) {
  Json target = spelling == AddressSpelling::kUri
                    ? Json::Object({{"uri", address.Uri()}})
                    : Json::Object({{"channels", address.Channels()}});
  return migration_.source()
      .qmp()
      .Execute("migrate", target.MergedWith(Json::Object({{"resume", true}})), deadline)
      .status();
}

absl::Status PostcopyDriver::Recover(const MigrationAddress& address, AddressSpelling spelling,
                                     const Deadline& deadline) {
  Mark();
  TANDEM_RETURN_IF_ERROR(Listen(address, deadline));
  TANDEM_RETURN_IF_ERROR(Resume(address, spelling, deadline));
  return WaitForBoth(MigrationStatus::kPostcopyActive, deadline);
}

}  // namespace tandem
