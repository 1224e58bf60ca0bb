// SPDX-License-Identifier: Apache-2.0
// How far each of the guest's processors has come that sweep, where several do.
//
// They go in step: none begins a sweep before all have completed the one before. From that follows
// what a state block may say of them at any moment, and who holds up the others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/guest_abi.h"

namespace tandem {

// One processor that sweeps, by its number. A value.
struct SweeperProgress {
  uint64_t vcpu = 0;
  uint64_t generation = 0;     // of the page where it is
  uint64_t page = 0;           // and its index in the test region
  bool has_completed = false;  // the sweep under way; of vCPU 0 it is not known
};

// How many sweep, by the options in the state block; 1 if these make no sense.
uint64_t SweepersOf(const TandemGuestState& state);

// All of them, vCPU 0 first. The state block must have a layout.
std::vector<SweeperProgress> ProgressOfSweepers(const TandemGuestState& state);

// What the state block says of vCPU 1 and so on that cannot be; empty if nothing.
std::string ProblemOfOtherSweepers(const TandemGuestState& state);

// "sweep 17 awaits vCPU 2 (at page 0x1f)"; empty where only one sweeps.
std::string DescribeAwaitedSweepers(const TandemGuestState& state);

}  // namespace tandem
