// SPDX-License-Identifier: Apache-2.0
#include "lib/colo/checkpoint_log.h"

#include <optional>

namespace tandem {

std::vector<CheckpointPause> CheckpointPauses(const std::vector<QmpEvent>& events) {
  std::vector<CheckpointPause> pauses;
  std::optional<absl::Time> stopped;
  for (const QmpEvent& event : events) {
    if (event.name == "STOP") stopped = event.qemu_time;
    if (event.name == "RESUME" && stopped) {
      pauses.push_back({.start = *stopped, .duration = event.qemu_time - *stopped});
      stopped.reset();
    }
  }
  return pauses;
}

std::vector<absl::Duration> CheckpointPeriods(const std::vector<CheckpointPause>& pauses) {
  std::vector<absl::Duration> periods;
  for (size_t i = 1; i < pauses.size(); ++i) {
    periods.push_back(pauses[i].start - pauses[i - 1].start);
  }
  return periods;
}

}  // namespace tandem
