// SPDX-License-Identifier: Apache-2.0
// Drives the second half of a migration with postcopy: the switch, a pause and the recovery.
//
// QEMU's migrate-pause and migrate-recover go out of band, because a broken stream can block the
// main loop of either side. Waits follow the MIGRATION events of both sides.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "lib/base/deadline.h"
#include "lib/migration/address.h"
#include "lib/migration/migration_driver.h"
#include "lib/migration/status.h"

namespace tandem {

// Refers to a migration that has been started, with the capability postcopy-ram on both sides; it
// must outlive this object. Waits look at what comes behind a mark, which Switch and Recover set
// and everybody else sets by Mark. Errors are those of QmpClient::Execute and of
// WaitForMigrationStatus. Not thread-safe.
class PostcopyDriver {
 public:
  explicit PostcopyDriver(MigrationDriver& migration) : migration_(migration) { Mark(); }

  // What has come so far is over.
  void Mark();
  // Awaits that one side, or both, report `status` behind the mark.
  absl::Status WaitForSource(MigrationStatus status, const Deadline& deadline);
  absl::Status WaitForDestination(MigrationStatus status, const Deadline& deadline);
  absl::Status WaitForBoth(MigrationStatus status, const Deadline& deadline);

  // What one side has reported behind the mark, in this order.
  std::vector<MigrationStatus> SourceStatuses() const;
  std::vector<MigrationStatus> DestinationStatuses() const;

  // `migrate-start-postcopy` while the guest runs; returns when both sides are in postcopy-active
  // and the destination has its guest: it runs there, or with -S is paused.
  absl::Status Switch(bool guest_resumes, const Deadline& deadline);
  // The same in parts.
  absl::Status BeginSwitch(const Deadline& deadline);
  absl::Status FinishSwitch(bool guest_resumes, const Deadline& deadline);
  // `migrate-pause` on one side, out of band.
  absl::Status Pause(Machine& machine, const Deadline& deadline);
  // `migrate-recover` on the destination, out of band: it listens again. The address has a fixed
  // port.
  absl::Status Listen(const MigrationAddress& address, const Deadline& deadline);
  // `migrate` with `resume` on the source; returns when QEMU has accepted it.
  absl::Status Resume(const MigrationAddress& address, AddressSpelling spelling,
                      const Deadline& deadline);
  // Listen and Resume; returns when both sides are in postcopy-active again.
  absl::Status Recover(const MigrationAddress& address, AddressSpelling spelling,
                       const Deadline& deadline);

 private:
  MigrationDriver& migration_;
  EventCursor source_mark_ = 0;
  EventCursor destination_mark_ = 0;
};

}  // namespace tandem
