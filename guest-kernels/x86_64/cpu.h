// SPDX-License-Identifier: Apache-2.0
//
// What the x86_64 files share among themselves.
#ifndef TANDEM_GUEST_X86_64_CPU_H_
#define TANDEM_GUEST_X86_64_CPU_H_

#include <stdint.h>

void ConsoleInit(void);

_Noreturn void TandemMain(void);

// Called by the exception stubs of start.S.
_Noreturn void TandemException(uint64_t vector, uint64_t error_code, uint64_t instruction);

#endif  // TANDEM_GUEST_X86_64_CPU_H_
