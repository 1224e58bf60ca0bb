// SPDX-License-Identifier: Apache-2.0
//
// What the files of the guest share: the state block, error reports, sweeps.
#ifndef TANDEM_GUEST_COMMON_GUEST_H_
#define TANDEM_GUEST_COMMON_GUEST_H_

#include <stdint.h>

#include "arch.h"
#include "tandem/guest_abi.h"

// The only state block. Volatile: the host reads it at any moment.
static inline volatile struct TandemGuestState* State(void) {
  return (volatile struct TandemGuestState*)(TANDEM_ARCH_RAM_BASE + TANDEM_GUEST_STATE_OFFSET);
}

static inline volatile uint64_t* PageAt(uint64_t page) {
  return (volatile uint64_t*)(TANDEM_ARCH_RAM_BASE + TANDEM_GUEST_REGION_OFFSET +
                              page * TANDEM_GUEST_PAGE_BYTES);
}

// Where the processor that runs this has come to, in the state block.
static inline volatile uint64_t* OwnPosition(void) {
  const unsigned processor = TandemArchProcessor();
  return processor == 0 ? &State()->position : &State()->others[processor - 1].position;
}

// Copies that need no volatile access; set before the first sweep.
extern struct TandemGuestOptions options;
extern struct TandemGuestLayout layout;

// report.c: records a failed self-check in the state block and prints a line, the first 20 times.
void ReportPage(uint64_t page, uint64_t word, uint64_t expected, uint64_t found);
void ReportNamed(enum TandemGuestErrorKind kind, const char* name, uint64_t expected,
                 uint64_t found);
// Reports only if `found` is not `expected`.
void CheckNamed(enum TandemGuestErrorKind kind, const char* name, uint64_t expected,
                uint64_t found);

// Writes one character that cannot get into the midst of such a line.
void PrintMark(char c);

// sweep.c: one sweep over what this processor sweeps of all bands.
void Sweep(uint64_t generation);
// Checks that this processor's position is the one at the end of that sweep.
void CheckOwnPosition(uint64_t generation);

// others.c: starts the other processors that the options ask for. Returns whether all are there.
int StartOthers(void);
// Waits until all of them have completed a generation.
void WaitForOthers(uint64_t generation);
// What they do: whenever processor 0 begins a generation, they sweep it too.
_Noreturn void SweepBesides(void);

#endif  // TANDEM_GUEST_COMMON_GUEST_H_
