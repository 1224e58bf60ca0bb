// SPDX-License-Identifier: Apache-2.0
// What query-migrate tells about a migration (QAPI MigrationInfo), as a type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/migration/status.h"
#include "lib/qmp/json.h"

namespace tandem {

// What QEMU did not report is nullopt.
struct MigrationStatistics {
  MigrationStatus status = MigrationStatus::kNone;
  std::string error;  // error-desc
  std::optional<int64_t> total_time_ms, downtime_ms, expected_downtime_ms, setup_time_ms;
  std::optional<int64_t> transferred_bytes, remaining_bytes, total_bytes;  // of RAM
  std::optional<int64_t> passes;                                           // ram.dirty-sync-count
  std::optional<int64_t> normal_pages, zero_pages;  // sent so far; ram.normal, ram.duplicate
  std::optional<int64_t> multifd_bytes;
  std::optional<int64_t> dirty_pages_per_second;
  std::optional<double> mbps;                      // megabits per second
  std::optional<int64_t> cpu_throttle_percent;     // while auto-converge throttles the guest
  std::optional<int64_t> dirty_limit_throttle_us;  // that dirty-limit makes the guest rest a round
  std::optional<int64_t> xbzrle_pages;             // sent as differences; xbzrle-cache.pages
  std::optional<int64_t> compressed_pages;         // by capability compress; compression.pages, …
  std::optional<int64_t> compressed_bytes;         // … and what they came to; .compressed-size
  std::optional<int64_t> zero_copy_misses;         // times that the kernel had to copy after all
  std::optional<int64_t> postcopy_requests;        // page faults that asked the source
  std::optional<int64_t> postcopy_blocktime_ms;    // on a destination with postcopy-blocktime

  // `reply` is what query-migrate returned; members of an unexpected type count as not reported.
  static MigrationStatistics FromQueryMigrate(const Json& reply);
};

}  // namespace tandem
