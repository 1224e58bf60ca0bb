// SPDX-License-Identifier: Apache-2.0
//
// The two halves of a failover pair of network devices, as its driver sees them.
#ifndef TANDEM_GUEST_X86_64_FAILOVER_H_
#define TANDEM_GUEST_X86_64_FAILOVER_H_

#include <stdint.h>

// Takes the standby, on bus 0. Returns whether there is one.
int TakeStandby(void);

// Lets go of what ACPI asks for, unless the host has the guest hold on.
void TendAcpi(void);

// Does what the buttons of all slots ask for, likewise; returns how many slots have a device that
// answers.
uint64_t TendSlots(void);

#endif  // TANDEM_GUEST_X86_64_FAILOVER_H_
