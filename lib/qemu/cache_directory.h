// SPDX-License-Identifier: Apache-2.0
// Where Tandem keeps what it need not find out again.
#pragma once

#include <string>

namespace tandem {

// ${TANDEM_CACHE:-$HOME/.cache/tandem}; "" when neither variable is set. Not necessarily there.
std::string CacheDirectory();

// Replaces a file in one step, so that no reader sees half of it; makes its directory. Best effort:
// a cache that cannot be written costs time, nothing else. Returns whether it was written.
bool WriteCacheFile(const std::string& path, const std::string& contents);

// The contents; "" when there is no such file, and when somebody else than this user or root could
// have written it.
std::string ReadCacheFile(const std::string& path);

}  // namespace tandem
