// SPDX-License-Identifier: Apache-2.0
// Drives one migration from a source to a destination.
//
// Waits follow QEMU's MIGRATION events (capability `events`); a migration that ends otherwise than
// awaited is an error at once, with QEMU's own description.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/migration/address.h"
#include "lib/migration/capabilities.h"
#include "lib/migration/parameters.h"
#include "lib/migration/statistics.h"
#include "lib/migration/status.h"
#include "lib/qemu/machine.h"

namespace tandem {

// `migrate-set-capabilities` on one machine, with `events` added. Errors: those of
// QmpClient::Execute, QEMU's own refusal among them.
absl::Status SetCapabilities(Machine& machine, MigrationCapabilities capabilities,
                             const Deadline& deadline);
// `migrate-set-parameters`; nothing is sent when nothing is set. Errors: likewise.
absl::Status SetParameters(Machine& machine, const MigrationParameters& parameters,
                           const Deadline& deadline);

// `query-migrate`. Errors: those of QmpClient::Execute.
absl::StatusOr<MigrationStatistics> QueryMigration(Machine& machine, const Deadline& deadline);

// Awaits that a machine, source or destination, reports `status` behind `cursor`. Aborted with
// QEMU's description when its migration ends in another final status.
absl::Status WaitForMigrationStatus(Machine& machine, EventCursor cursor, MigrationStatus status,
                                    const Deadline& deadline);

// Refers to two ready machines that must outlive it. Not thread-safe.
class MigrationDriver {
 public:
  MigrationDriver(Machine& source, Machine& destination)
      : source_(source), destination_(destination) {}

  Machine& source() { return source_; }
  Machine& destination() { return destination_; }

  // `migrate-incoming` on a destination started with -incoming defer. Returns the address to
  // migrate to: where a port was asked for, the one that the destination chose is filled in
  // (`query-migrate`, socket-address). Internal when it tells none. Without `exit_on_error` QEMU
  // stays when the migration fails (9.1 and later; the argument is unknown before).
  absl::StatusOr<MigrationAddress> Listen(const MigrationAddress& address, AddressSpelling spelling,
                                          const Deadline& deadline, bool exit_on_error = true);

  // `migrate`; returns when QEMU has accepted it.
  absl::Status Start(const MigrationAddress& address, AddressSpelling spelling,
                     const Deadline& deadline);

  // Awaits that the source reports `status` after the last Start. Aborted with QEMU's description
  // when the migration ends in another final status; Unavailable when the destination's death is
  // why.
  absl::Status WaitForStatus(MigrationStatus status, const Deadline& deadline);

  // Awaits the source's completion and its run state postmigrate, which comes without an event.
  absl::Status WaitForSourceCompletion(const Deadline& deadline);
  // Awaits the destination's completion and, if the guest ran, its RESUME.
  absl::Status WaitForDestinationCompletion(bool guest_runs, const Deadline& deadline);
  // Both. Returns the source's statistics. Errors: those of WaitForStatus, DeadlineExceeded.
  absl::StatusOr<MigrationStatistics> WaitForCompletion(bool guest_runs, const Deadline& deadline);

  // Positions in both event logs just before the last Start (or Listen, for the destination).
  EventCursor source_cursor() const { return source_cursor_; }
  EventCursor destination_cursor() const { return destination_cursor_; }

 private:
  Machine& source_;
  Machine& destination_;
  EventCursor source_cursor_ = 0;
  EventCursor destination_cursor_ = 0;
};

}  // namespace tandem
