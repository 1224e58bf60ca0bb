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

// The same as JSON, with the ranges of all parts but pages, and QEMU's description of the devices.
Json StreamToJson(const MigrationStream& stream);

// A line for each page as often as it was sent: where its content lies, how it was sent, and its
// address in its block.
std::string DescribePages(const MigrationStream& stream);

// The same as an array of objects.
Json PagesToJson(const MigrationStream& stream);

}  // namespace tandem
