// SPDX-License-Identifier: Apache-2.0
//
// The register window: words that window.S loads into registers at its start and stores from them
// at its end. window.S and window.c agree on the indices below.
#ifndef TANDEM_GUEST_X86_64_WINDOW_H_
#define TANDEM_GUEST_X86_64_WINDOW_H_

#define WINDOW_RBX 0
#define WINDOW_RBP 1
#define WINDOW_R8 2  // to r15 in 9
#define WINDOW_RSI 10
#define WINDOW_RDI 11
#define WINDOW_RCX 12
#define WINDOW_RDX 13
#define WINDOW_RSP 14
#define WINDOW_FLAGS 15
#define WINDOW_MXCSR 16
#define WINDOW_FCW 17
#define WINDOW_X87 18     // st0 to st7, as integers
#define WINDOW_VECTOR 26  // low and high half of xmm0 to xmm15
#define WINDOW_WORDS 58

// Flags that a program may choose freely: direction, alignment check, identification.
#define WINDOW_FLAGS_MASK 0x240400

// Offsets in TandemGuestState and TandemGuestSweeper; window.c asserts them.
#define STATE_POSITION 0x10
#define STATE_IN_WINDOW 0x20
#define STATE_OTHERS 0xc0
#define SWEEPER_POSITION 0
#define SWEEPER_IN_WINDOW 16
#define SWEEPER_BYTES 24

#endif  // TANDEM_GUEST_X86_64_WINDOW_H_
