// SPDX-License-Identifier: Apache-2.0
// COLO's checkpoints as seen from outside: each stops a machine (event STOP), synchronizes, and
// lets it run on (event RESUME). Times are QEMU's own event timestamps.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "lib/qmp/qmp_event.h"

namespace tandem {

// How long one machine stood still for one checkpoint. A value.
struct CheckpointPause {
  absl::Time start;         // STOP
  absl::Duration duration;  // until RESUME
};

// The completed pauses among a machine's events, oldest first. A RESUME without a STOP before it
// (the start of COLO) and a STOP without a RESUME (a checkpoint cut short) are no pauses.
std::vector<CheckpointPause> CheckpointPauses(const std::vector<QmpEvent>& events);

// The times between the starts of consecutive checkpoints; one fewer than there are pauses.
std::vector<absl::Duration> CheckpointPeriods(const std::vector<CheckpointPause>& pauses);

}  // namespace tandem
