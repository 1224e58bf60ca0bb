// SPDX-License-Identifier: Apache-2.0
//
// Two loops in which every register is live. Those that a loop does not need hold values from window_loaded and
// are stored to window_stored at the end, for window.c to compare. With no register to spare for an address, each
// processor has a loop of its own with its own addresses in it.
#include "tandem/guest_abi.h"

#include "window.h"

#define STATE (TANDEM_GUEST_RAM_BASE_X86_64 + TANDEM_GUEST_STATE_OFFSET)
#define MIDDLE (TANDEM_GUEST_MIDDLE_WORD * 8)
#define TAIL (TANDEM_GUEST_TAIL_WORD * 8)
// The masks as the sign-extended 32-bit immediates that xor takes.
#define MIDDLE_MASK -0x5a3c69e3
#define TAIL_MASK -0x61b48d2d

// Sets the symbols that say where `processor` has its words. They are numbers: clang sets no other symbol twice.
    .macro use_addresses_of processor
    .set own_words, 8 * WINDOW_WORDS * \processor
    .set own_end, 8 * \processor
    .if \processor == 0
    .set position, STATE + STATE_POSITION
    .set in_window, STATE + STATE_IN_WINDOW
    .else
    .set position, STATE + STATE_OTHERS + SWEEPER_BYTES * (\processor - 1) + SWEEPER_POSITION
    .set in_window, STATE + STATE_OTHERS + SWEEPER_BYTES * (\processor - 1) + SWEEPER_IN_WINDOW
    .endif
    .endm

    .macro enter_window
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, window_loaded + own_words + 8 * WINDOW_RSP
    .set slot, WINDOW_VECTOR
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu window_loaded + own_words + 8 * slot, %xmm\n
    .set slot, slot + 2
    .endr
    .irp n, 7, 6, 5, 4, 3, 2, 1, 0
    fildq window_loaded + own_words + 8 * (WINDOW_X87 + \n)
    .endr
    fldcw window_loaded + own_words + 8 * WINDOW_FCW
    ldmxcsr window_loaded + own_words + 8 * WINDOW_MXCSR
    .set slot, WINDOW_R8
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    movq window_loaded + own_words + 8 * slot, %r\n
    .set slot, slot + 1
    .endr
    movq window_loaded + own_words + 8 * WINDOW_RBX, %rbx
    movq window_loaded + own_words + 8 * WINDOW_RBP, %rbp
    movq window_loaded + own_words + 8 * WINDOW_RSI, %rsi
    movq window_loaded + own_words + 8 * WINDOW_RDI, %rdi
    movq window_loaded + own_words + 8 * WINDOW_RCX, %rcx
    movq window_loaded + own_words + 8 * WINDOW_RDX, %rdx
    pushq window_loaded + own_words + 8 * WINDOW_FLAGS
    popfq
    movq $1, in_window
    .endm

    .macro leave_window
    movq $0, in_window
    movq %rsp, window_stored + own_words + 8 * WINDOW_RSP
    movq window_loaded + own_words + 8 * WINDOW_RSP, %rsp
    pushfq
    popq window_stored + own_words + 8 * WINDOW_FLAGS
    pushq $2
    popfq
    movq %rdx, window_stored + own_words + 8 * WINDOW_RDX
    movq %rcx, window_stored + own_words + 8 * WINDOW_RCX
    movq %rdi, window_stored + own_words + 8 * WINDOW_RDI
    movq %rsi, window_stored + own_words + 8 * WINDOW_RSI
    movq %rbp, window_stored + own_words + 8 * WINDOW_RBP
    movq %rbx, window_stored + own_words + 8 * WINDOW_RBX
    .set slot, WINDOW_R8
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    movq %r\n, window_stored + own_words + 8 * slot
    .set slot, slot + 1
    .endr
    stmxcsr window_stored + own_words + 8 * WINDOW_MXCSR
    fnstcw window_stored + own_words + 8 * WINDOW_FCW
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    fistpq window_stored + own_words + 8 * (WINDOW_X87 + \n)
    .endr
    fninit
    .set slot, WINDOW_VECTOR
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\n, window_stored + own_words + 8 * slot
    .set slot, slot + 2
    .endr
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    .endm

    .text

// void sweep_windows[processor](void): rewrites the stamps of pages.
// rsi: the page; rdi: its position; rcx: its index; rdx: the generation; window_end: index to stop before.
// Leaves with rcx at a page whose old stamps are wrong, before it changed that page, or at window_end.
    .macro sweep_window processor
    use_addresses_of \processor
sweep_window_\processor:
    enter_window
    .balign 16
1:  movq %rdi, position
    leaq -1(%rdx), %rax
    cmpq %rax, (%rsi)
    jne 2f
    xorq $MIDDLE_MASK, %rax
    cmpq %rax, MIDDLE(%rsi)
    jne 2f
    leaq -1(%rdx), %rax
    xorq $TAIL_MASK, %rax
    cmpq %rax, TAIL + 8(%rsi)
    jne 2f
    cmpq %rcx, 8(%rsi)
    jne 2f
    movq %rcx, %rax
    xorq $MIDDLE_MASK, %rax
    cmpq %rax, MIDDLE + 8(%rsi)
    jne 2f
    movq %rcx, %rax
    xorq $TAIL_MASK, %rax
    cmpq %rax, TAIL(%rsi)
    jne 2f

    movq %rdx, (%rsi)
    movq %rcx, 8(%rsi)
    movq %rdx, %rax
    xorq $MIDDLE_MASK, %rax
    movq %rax, MIDDLE(%rsi)
    movq %rcx, %rax
    xorq $MIDDLE_MASK, %rax
    movq %rax, MIDDLE + 8(%rsi)
    movq %rcx, %rax
    xorq $TAIL_MASK, %rax
    movq %rax, TAIL(%rsi)
    movq %rdx, %rax
    xorq $TAIL_MASK, %rax
    movq %rax, TAIL + 8(%rsi)

    addq $TANDEM_GUEST_PAGE_BYTES, %rsi
    incq %rdi
    incq %rcx
    cmpq window_end + own_end, %rcx
    jb 1b
2:  leave_window
    ret

    .pushsection .rodata
    .quad sweep_window_\processor
    .popsection
    .endm

    .pushsection .rodata
    .balign 8
    .globl sweep_windows
sweep_windows:
    .popsection
    .irp processor, 0, 1, 2, 3, 4, 5, 6, 7
    sweep_window \processor
    .endr
    .if TANDEM_GUEST_MAX_SWEEPERS != 8
    .error "one loop for each processor"
    .endif

// void PauseWindow(void): waits until the counter leaves [window_start, window_end). For processor 0.
// Uses rax and rdx; all others hold values.
    .globl PauseWindow
PauseWindow:
    use_addresses_of 0
    enter_window
1:  pause
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    cmpq window_start, %rax
    jb 2f
    cmpq window_end + own_end, %rax
    jb 1b
2:  leave_window
    ret

    .section .note.GNU-stack, "", @progbits
