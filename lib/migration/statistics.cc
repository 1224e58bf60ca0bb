// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/statistics.h"

namespace tandem {

MigrationStatistics MigrationStatistics::FromQueryMigrate(const Json& reply) {
  const Json ram = reply["ram"];
  MigrationStatistics statistics;
  statistics.status = ParseMigrationStatus(reply["status"].Text());
  statistics.error = reply["error-desc"].Text();
  statistics.total_time_ms = reply["total-time"].Integer();
  statistics.downtime_ms = reply["downtime"].Integer();
  statistics.expected_downtime_ms = reply["expected-downtime"].Integer();
  statistics.setup_time_ms = reply["setup-time"].Integer();
  statistics.transferred_bytes = ram["transferred"].Integer();
  statistics.remaining_bytes = ram["remaining"].Integer();
  statistics.total_bytes = ram["total"].Integer();
  statistics.passes = ram["dirty-sync-count"].Integer();
  statistics.normal_pages = ram["normal"].Integer();
  statistics.zero_pages = ram["duplicate"].Integer();
  statistics.multifd_bytes = ram["multifd-bytes"].Integer();
  statistics.dirty_pages_per_second = ram["dirty-pages-rate"].Integer();
  statistics.mbps = ram["mbps"].Number();
  statistics.cpu_throttle_percent = reply["cpu-throttle-percentage"].Integer();
  statistics.dirty_limit_throttle_us = reply["dirty-limit-throttle-time-per-round"].Integer();
  statistics.xbzrle_pages = reply["xbzrle-cache"]["pages"].Integer();
  statistics.compressed_pages = reply["compression"]["pages"].Integer();
  statistics.compressed_bytes = reply["compression"]["compressed-size"].Integer();
  statistics.zero_copy_misses = ram["dirty-sync-missed-zero-copy"].Integer();
  statistics.postcopy_requests = ram["postcopy-requests"].Integer();
  statistics.postcopy_blocktime_ms = reply["postcopy-blocktime"].Integer();
  return statistics;
}

}  // namespace tandem
