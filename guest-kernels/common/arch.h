// SPDX-License-Identifier: Apache-2.0
//
// What an architecture must provide. Everything else in this guest is portable C.
#ifndef TANDEM_GUEST_COMMON_ARCH_H_
#define TANDEM_GUEST_COMMON_ARCH_H_

#include <stdint.h>

#include "arch_config.h"  // of the architecture: TANDEM_ARCH_RAM_BASE

// Prepares console and exception handling. Called once, first.
void TandemArchInit(void);

// Writes one character to the console; gives up after a bounded wait and counts it in the state
// block.
void TandemArchPutChar(char c);

_Noreturn void TandemArchHalt(void);

// The processor that runs this; 0 is the one that the machine starts.
unsigned TandemArchProcessor(void);

// Starts another processor, which prepares exception handling and calls SweepBesides on a stack of
// its own. Returns whether it came so far.
int TandemArchStartProcessor(unsigned processor);

// In a loop that waits for another processor.
void TandemArchRelax(void);

// Suspends the machine to RAM. When it is woken, the guest starts anew from its entry.
_Noreturn void TandemArchSuspend(void);

// Whether this start is such a waking, not a reset.
int TandemArchHasWoken(void);

// Takes the standby of a failover pair of network devices, and lets go of its primary when it is
// asked to; says so in the state block. Called between a check of the devices and the next setting.
void TandemArchTendFailover(void);

// A counter that a migration must not turn back.
uint64_t TandemArchTicks(void);

// Rewrites the stamps of the pages [first, end) of the ordinary band for `generation` >= 2,
// checking the stamps of generation - 1 first and moving `position`. Meanwhile all registers that
// it can spare hold values which it checks and reports afterwards. Returns the first page whose old
// stamps were wrong, not rewritten, or `end`.
uint64_t TandemArchSweepStamps(uint64_t first, uint64_t end, uint64_t generation);

// Rests for `ticks`, checking registers in the same way.
void TandemArchPause(uint64_t ticks, uint64_t generation);

// Makes the processor look up every translation anew.
void TandemArchFlushTranslations(void);

// Sets device and system registers to values derived from `generation`; checks that they still have
// them.
void TandemArchSetDevices(uint64_t generation);
void TandemArchCheckDevices(uint64_t generation);
void TandemArchSetSystemRegisters(uint64_t generation);
void TandemArchCheckSystemRegisters(uint64_t generation);

#endif  // TANDEM_GUEST_COMMON_ARCH_H_
