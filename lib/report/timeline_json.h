// SPDX-License-Identifier: Apache-2.0
// The recording as tools draw it: timeline.json, a lane for each machine (docs/results.md has its
// members). However long a test was, the file stays small: long lists are thinned out.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "lib/base/recording.h"
#include "lib/qmp/json.h"

namespace tandem {

// "schema" of timeline.json; grows when a member changes its meaning or goes.
inline constexpr int kTimelineSchema = 1;

// Where a test failed. A value.
struct FailingMoment {
  absl::Time time;      // of the first failed assertion
  std::string failure;  // what it said
};

// Names are those of QAPI: RunState, MigrationStatus, commands and events.
Json TimelineJson(const Recording& recording, const std::optional<FailingMoment>& failed);

}  // namespace tandem
