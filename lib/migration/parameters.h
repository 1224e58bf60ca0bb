// SPDX-License-Identifier: Apache-2.0
// Migration parameters (QAPI MigrationParameters) as a value.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/qmp/json.h"

namespace tandem {

// What is nullopt is not set and stays QEMU's default.
struct MigrationParameters {
  std::optional<int64_t> max_bandwidth;        // bytes per second
  std::optional<int64_t> downtime_limit_ms;    // at most 2,000,000
  std::optional<int64_t> multifd_channels;     // 1 to 255; both sides
  std::optional<int64_t> checkpoint_delay_ms;  // x-checkpoint-delay, COLO's primary
  Json others;                                 // further members, by QEMU's names

  // The arguments of migrate-set-parameters.
  Json ToJson() const;
};

}  // namespace tandem
