// SPDX-License-Identifier: Apache-2.0
//
// The guest as a 64 KiB firmware image for -bios: payload first, this stub and the reset vector at the end.
// It copies the payload to RAM so that the code that runs is part of what is migrated.
#include "protected_mode.inc"

#define ROM_BASE 0xf0000
#define RUN_ADDRESS 0x10000

    .text
    .code16
payload:
    .incbin "tandem-guest-x86_64.bin"
payload_end:

    .org 0xff00
stub:
    enter_protected_mode ROM_BASE
    movl $ROM_BASE + payload, %esi
    movl $RUN_ADDRESS, %edi
    movl $(payload_end - payload + 3) / 4, %ecx
    rep movsl
    movl $RUN_ADDRESS, %eax
    jmp *%eax

    .org 0xfff0
    .code16
    .globl reset
reset:
    ljmpw $0xf000, $stub

    .org 0x10000

    .section .note.GNU-stack, "", @progbits
