// SPDX-License-Identifier: Apache-2.0
//
// The guest as a raw disk image of 1 MiB: a boot sector that loads the payload through the firmware. Smaller
// images get no usable geometry on an IDE disk of q35.
#include "protected_mode.inc"

#define COM1 0x3f8
#define RUN_ADDRESS 0x10000

    .text
    .code16
    .globl boot
boot:
    ljmpw $0, $normalized
normalized:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $boot, %sp
    sti
    movw $packet, %si
    movb $0x42, %ah  // extended read; the firmware left the drive in %dl
    int $0x13
    jc failed
    inb $0x92, %al  // open address line 20
    orb $2, %al
    andb $0xfe, %al
    outb %al, $0x92
    enter_protected_mode 0
    movl $RUN_ADDRESS, %eax
    jmp *%eax

    .code16
failed:
    movw $message, %si
    movw $COM1, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  cli
    hlt
    jmp 2b
message:
    .asciz "\n!boot int13 generation 0 expected 0x0 found 0x1\n"

    .balign 4
packet:
    .byte 16, 0
    .word (payload_end - payload + 511) / 512
    .word 0, RUN_ADDRESS / 16
    .quad 1

    .org 510
    .word 0xaa55
payload:
    .incbin "tandem-guest-x86_64.bin"
payload_end:
    .org 0x100000

    .section .note.GNU-stack, "", @progbits
