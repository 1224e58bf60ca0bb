// SPDX-License-Identifier: Apache-2.0
// What is in a migration stream, for people and for programs.
#pragma once

#include <string>

#include "lib/qmp/json.h"
#include "lib/stream/migration_stream.h"

namespace tandem {

// A line for each part: offset, size, and what it is. Parts and commands are in the order of the
// file; pages are counted.
std::string DescribeStream(const MigrationStream& stream);

// The same as JSON, with the ranges of all parts but pages.
Json StreamToJson(const MigrationStream& stream);

}  // namespace tandem
