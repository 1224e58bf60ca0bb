// SPDX-License-Identifier: Apache-2.0
// The machine that a run is on.
#pragma once

#include <map>
#include <string>

namespace tandem {

// CPUs that this process may use: its affinity, and the quota of its cgroup. At least 1.
int UsableCpus();

// "cpus", "memory", "kernel", "architecture", "system": for people. No name of the machine.
std::map<std::string, std::string> HostInfo();

}  // namespace tandem
