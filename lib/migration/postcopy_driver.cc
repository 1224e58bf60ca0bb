// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/postcopy_driver.h"

#include "lib/base/status.h"

namespace tandem {

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

absl::Status PostcopyDriver::Switch(const Deadline& deadline) {
  Mark();
  TANDEM_RETURN_IF_ERROR(
      migration_.source().qmp().Execute("migrate-start-postcopy", deadline).status());
  return WaitForBoth(MigrationStatus::kPostcopyActive, deadline);
}

absl::Status PostcopyDriver::Pause(Machine& machine, const Deadline& deadline) {
  Mark();
  return machine.qmp().ExecuteOob("migrate-pause", Json(), deadline).status();
}

absl::Status PostcopyDriver::Listen(const MigrationAddress& address, const Deadline& deadline) {
  Mark();
  return migration_.destination()
      .qmp()
      .ExecuteOob("migrate-recover", Json::Object({{"uri", address.Uri()}}), deadline)
      .status();
}

absl::Status PostcopyDriver::Resume(const MigrationAddress& address, AddressSpelling spelling,
                                    const Deadline& deadline) {
  Mark();
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
  TANDEM_RETURN_IF_ERROR(Listen(address, deadline));
  TANDEM_RETURN_IF_ERROR(Resume(address, spelling, deadline));
  return WaitForBoth(MigrationStatus::kPostcopyActive, deadline);
}

}  // namespace tandem
