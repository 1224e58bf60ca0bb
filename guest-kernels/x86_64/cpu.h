// SPDX-License-Identifier: Apache-2.0
//
// What the x86_64 files share among themselves.
#ifndef TANDEM_GUEST_X86_64_CPU_H_
#define TANDEM_GUEST_X86_64_CPU_H_

#define STACK_BYTES 16384  // of each processor

#ifndef __ASSEMBLER__

#include <stdint.h>

void ConsoleInit(void);
void LoadExceptionTable(void);

// Called by start.S: on the processor that the machine starts, and on each of the others.
_Noreturn void TandemMain(void);
_Noreturn void TandemProcessorMain(void);

// Called by the exception stubs of start.S.
_Noreturn void TandemException(uint64_t vector, uint64_t error_code, uint64_t instruction);

#endif  // __ASSEMBLER__

#endif  // TANDEM_GUEST_X86_64_CPU_H_
