// SPDX-License-Identifier: Apache-2.0
// Tandem's own log: spdlog to stderr, because stdout belongs to GoogleTest's listing and reports.
#pragma once

#include <spdlog/logger.h>

namespace tandem {

// The process-wide logger. Level from TANDEM_LOG (trace, debug, info, warn, err, off; default
// warn). Thread-safe.
spdlog::logger& Log();

}  // namespace tandem
