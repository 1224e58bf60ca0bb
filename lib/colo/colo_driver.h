// SPDX-License-Identifier: Apache-2.0
// Drives COLO: a primary and a secondary in lockstep by checkpoints, until one of them fails over.
//
// Sources: docs/COLO-FT.txt and docs/system/qemu-colo in QEMU's tree; commands
// x-colo-lost-heartbeat, yank, query-colo-status; events COLO_EXIT, STOP, RESUME (QAPI migration,
// run-state).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/colo/checkpoint_log.h"
#include "lib/colo/colo_status.h"
#include "lib/migration/migration_driver.h"

namespace tandem {

// How COLO is to be started. A value.
struct ColoOptions {
  bool multifd = false;
  int multifd_channels = 4;                 // on both sides, with multifd only
  int64_t checkpoint_delay_ms = 300;        // x-checkpoint-delay
  bool return_path = false;                 // see BinaryFacts::colo_needs_return_path
  MigrationCapabilities capabilities = {};  // further ones, on both sides
  MigrationParameters parameters = {};      // likewise; those that COLO needs are set over them
};

// When a failover did what, relative to its first command.
struct FailoverTimes {
  absl::Duration yank_answered;
  absl::Duration heartbeat_answered;  // x-colo-lost-heartbeat
  bool in_checkpoint = false;         // the secondary stood still for one when it began
  absl::Duration left_colo;           // query-colo-status says mode none and the machine runs
};

// Refers to two ready machines that must outlive it; the secondary was started with -incoming
// defer. Not thread-safe.
class ColoDriver {
 public:
  ColoDriver(Machine& primary, Machine& secondary) : migration_(primary, secondary) {}

  // The machine that began in this role, also after a failover.
  Machine& machine(ColoRole role) {
    return role == ColoRole::kPrimary ? migration_.source() : migration_.destination();
  }

  // Sets capabilities and parameters, migrates, and awaits the primary's status `colo` and the
  // secondary's first RESUME. COLO starts a stopped guest by itself. Errors: QEMU's refusal of a
  // capability or parameter (QmpErrorOf), those of MigrationDriver::WaitForStatus, Aborted when the
  // secondary's migration ends without COLO, DeadlineExceeded.
  absl::Status Start(const ColoOptions& options, const Deadline& deadline);
  // From `migrate` to the secondary's first RESUME.
  absl::Duration time_to_colo() const { return time_to_colo_; }

  // Awaits one checkpoint that begins after this call and is acknowledged: STOP on the primary,
  // then RESUME on the secondary. `at_stop` (when given) runs while the primary is stopped, or not
  // at all when it ran on too soon. DeadlineExceeded, or Unavailable when a machine died.
  absl::Status WaitForCheckpoint(const Deadline& deadline,
                                 const std::function<void()>& at_stop = nullptr);
  // Returns while the secondary stands still for a checkpoint that began after this call.
  absl::Status WaitForCheckpointOnSecondary(const Deadline& deadline);

  // Whether it stands still for a checkpoint now, by its events.
  bool SecondaryIsStopped();

  // Makes the survivor leave COLO: `yank` of the migration out of band, because the main loop may
  // be blocked exactly now, then `x-colo-lost-heartbeat`; awaits that it runs on its own
  // (event COLO_EXIT, then query-colo-status: mode none, and run state running). FailedPrecondition
  // where QMP has no out-of-band execution; QEMU's own errors; DeadlineExceeded. `at_takeover`
  // (when given) runs when the survivor has ended its migration, which is before it answers.
  absl::StatusOr<FailoverTimes> FailOverTo(ColoRole survivor, const Deadline& deadline,
                                           const std::function<void()>& at_takeover = nullptr);

  // The checkpoint pauses of a machine since COLO began, up to the failover.
  std::vector<CheckpointPause> Pauses(ColoRole role);

 private:
  absl::StatusOr<QmpEvent> AwaitFirstResume(const Deadline& deadline);
  absl::Status AwaitOutOfColo(ColoRole survivor_role, const Deadline& deadline);

  MigrationDriver migration_;
  absl::Duration time_to_colo_;
  EventCursor begin_[2] = {0, 0};  // by ColoRole: when COLO was started
  EventCursor end_[2] = {SIZE_MAX, SIZE_MAX};
};

}  // namespace tandem
