// SPDX-License-Identifier: Apache-2.0
// Which of QEMU's migration abilities a test really made use of, by the test's recording: what it
// was never asked for cannot be said to be tested.
#pragma once

#include <map>
#include <set>
#include <string>

#include "lib/base/recording.h"

namespace tandem {

// Names as QEMU spells them, by kind:
//   "capabilities"  in force by migrate-set-capabilities while the machine migrated
//   "parameters"    set by migrate-set-parameters before or while it migrated, null included
//   "modes"         values of the parameter `mode`, likewise
//   "statuses"      reported by MIGRATION events or query-migrate
//   "transports"    of migrate and migrate-incoming: "tcp", "unix", "fd", "vsock", "exec", "file",
//                   "rdma"
// What QEMU refused does not count, nor what was only set: a machine migrates from an accepted
// `migrate` or `migrate-incoming` on, or from the first status. A kind without any is absent.
using ExercisedAbilities = std::map<std::string, std::set<std::string>>;

// From the QMP commands, answers and events of all machines.
ExercisedAbilities ExercisedIn(const Recording& recording);

}  // namespace tandem
