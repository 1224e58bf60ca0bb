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

// sweep.c: one sweep over all bands.
void Sweep(uint64_t generation);

#endif  // TANDEM_GUEST_COMMON_GUEST_H_
