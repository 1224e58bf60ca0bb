// SPDX-License-Identifier: Apache-2.0
//
// Entry of the guest proper, the same for every flavour: 32-bit protected mode with flat segments and
// interrupts off, code already at its place in RAM. Goes to long mode with the first 4 GiB mapped one to one.
// The other processors come here from real mode, when all that is set up.
#include "cpu.h"
#include "tandem/guest_abi.h"

#define CR0_BITS 0x80000023  // paging, numeric error, monitor coprocessor, protection
#define CR4_BITS 0x620       // physical address extension, SSE and its exceptions
#define MSR_EFER 0xc0000080
#define EFER_LONG_MODE 0x100
#define LARGE_PAGE 0x83  // present, writable, 2 MiB
#define TABLE_PAGE 0x3   // present, writable
#define LOCAL_APIC_ID 0xfee00020

    .section .text.start, "ax"
    .code32
    .globl tandem_start
tandem_start:
    cli
    cld
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl

    movl $directory_pointers + TABLE_PAGE, page_root
    movl $directories + TABLE_PAGE, %eax
    movl $directory_pointers, %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 1b

    movl $directories, %edi
    movl $LARGE_PAGE, %eax
    movl $4 * 512, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b
    xorl %ebx, %ebx

// %ebx: the number of the processor.
to_long_mode:
    movl $CR4_BITS, %eax
    movl %eax, %cr4
    movl $page_root, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    movl $EFER_LONG_MODE, %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    lgdt table_pointer
    ljmp $8, $long_mode

    .code64
long_mode:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    lldt %ax
    imull $STACK_BYTES, %ebx, %esp
    addl $stacks + STACK_BYTES, %esp
    xorl %ebp, %ebp
    fninit
    testl %ebx, %ebx
    jnz 1f
    call TandemMain
1:  call TandemProcessorMain
    ud2

// One stub of 16 bytes for each vector. Leaves error code and vector on the stack.
    .balign 16
    .globl exception_stubs
exception_stubs:
    vector = 0
    .rept 32
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
    .else
    pushq $0
    .endif
    pushq $vector
    jmp exception
    vector = vector + 1
    .endr

exception:
    cld
    movq (%rsp), %rdi
    movq 8(%rsp), %rsi
    movq 16(%rsp), %rdx
    andq $-16, %rsp
    call TandemException
    ud2

    .section .processor, "ax"
    .code16
    .balign 4096
    .globl processor_entry
processor_entry:
    cli
    cld
    lgdtl %cs:processor_table_pointer - processor_entry
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $24, $processor_flat
    .code32
processor_flat:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl LOCAL_APIC_ID, %ebx
    shrl $24, %ebx
    jmp to_long_mode
processor_table_pointer:
    .word table_pointer - descriptors - 1
    .long descriptors

    .section .rodata.start, "a"
    .balign 8
descriptors:
    .quad 0
    .quad 0x00af9b000000ffff  // 64-bit code
    .quad 0x00cf93000000ffff  // data
    .quad 0x00cf9b000000ffff  // 32-bit code
table_pointer:
    .word . - descriptors - 1
    .long descriptors
    .long 0

    .section .bss.start, "aw", @nobits
    .balign 4096
page_root:
    .skip 4096
directory_pointers:
    .skip 4096
directories:
    .skip 4 * 4096
    .globl stacks
stacks:
    .skip TANDEM_GUEST_MAX_SWEEPERS * STACK_BYTES

    .section .note.GNU-stack, "", @progbits
