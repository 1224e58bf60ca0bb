// SPDX-License-Identifier: Apache-2.0
// What a binary can do in migrations, by its schema.
#pragma once

#include <map>
#include <set>
#include <string>

#include "lib/qemu/qmp_schema.h"

namespace tandem {

// What a binary has of each kind of lib/report/exercised.h.
std::map<std::string, std::set<std::string>> AbilitiesOf(const QmpSchema& schema);

}  // namespace tandem
