// SPDX-License-Identifier: Apache-2.0
#include "window.h"

#include <stddef.h>

#include "guest.h"
#include "instructions.h"

_Static_assert(offsetof(struct TandemGuestState, position) == STATE_POSITION, "window.S stores it");
_Static_assert(offsetof(struct TandemGuestState, in_register_window) == STATE_IN_WINDOW,
               "window.S stores it");
_Static_assert(offsetof(struct TandemGuestState, others) == STATE_OTHERS, "window.S stores there");
_Static_assert(offsetof(struct TandemGuestSweeper, position) == SWEEPER_POSITION,
               "window.S stores it");
_Static_assert(offsetof(struct TandemGuestSweeper, in_register_window) == SWEEPER_IN_WINDOW,
               "window.S stores it");
_Static_assert(sizeof(struct TandemGuestSweeper) == SWEEPER_BYTES, "window.S counts in it");

// Shared with window.S; one of each for each processor.
volatile uint64_t window_loaded[TANDEM_GUEST_MAX_SWEEPERS][WINDOW_WORDS];
volatile uint64_t window_stored[TANDEM_GUEST_MAX_SWEEPERS][WINDOW_WORDS];
volatile uint64_t window_end[TANDEM_GUEST_MAX_SWEEPERS];
volatile uint64_t window_start;
extern void (*const sweep_windows[TANDEM_GUEST_MAX_SWEEPERS])(void);
void PauseWindow(void);

static const char* const kGeneralNames[] = {"rbx", "rbp", "r8",  "r9",     "r10",   "r11",
                                            "r12", "r13", "r14", "r15",    "rsi",   "rdi",
                                            "rcx", "rdx", "rsp", "rflags", "mxcsr", "fcw"};

// Fills the window with values that no other window has held.
static void LoadWindow(uint64_t seed) {
  volatile uint64_t* loaded = window_loaded[TandemArchProcessor()];
  volatile uint64_t* stored = window_stored[TandemArchProcessor()];
  for (uint64_t i = 0; i < WINDOW_WORDS; ++i) loaded[i] = TandemGuestMix(seed * WINDOW_WORDS + i);
  const uint64_t choice = TandemGuestMix(seed);
  loaded[WINDOW_FLAGS] = (choice & WINDOW_FLAGS_MASK) | 2;
  loaded[WINDOW_MXCSR] =
      0x1f80 | (choice >> 32 & 0xe000);  // exceptions masked; rounding, flush to zero
  loaded[WINDOW_FCW] = 0x037f | (choice >> 48 & 0x0c00);  // exceptions masked; rounding
  for (int i = 0; i < WINDOW_WORDS; ++i) stored[i] = 0;
}

static void ReportRegister(const char* name, uint64_t expected, uint64_t found) {
  CheckNamed(TANDEM_GUEST_ERROR_REGISTER, name, expected, found);
}

// Puts "xmm", 0 to 15 and the half together.
static void ReportVector(int word, uint64_t expected, uint64_t found) {
  char name[9] = "xmm";
  const int number = word / 2;
  char* end = name + 3;
  if (number >= 10) *end++ = '1';
  *end++ = (char)('0' + number % 10);
  *end++ = '.';
  *end++ = word % 2 ? 'h' : 'l';
  ReportRegister(name, expected, found);
}

// Compares the words of the window.
static void CheckWindow(void) {
  const volatile uint64_t* loaded = window_loaded[TandemArchProcessor()];
  const volatile uint64_t* stored = window_stored[TandemArchProcessor()];
  for (int i = 0; i < WINDOW_WORDS; ++i) {
    const uint64_t mask = i == WINDOW_FLAGS ? WINDOW_FLAGS_MASK : ~0ULL;
    const uint64_t expected = loaded[i] & mask;
    const uint64_t found = stored[i] & mask;
    if (expected == found) continue;
    if (i >= WINDOW_VECTOR) {
      ReportVector(i - WINDOW_VECTOR, expected, found);
    } else if (i >= WINDOW_X87) {
      char name[] = "st0";
      name[2] = (char)('0' + i - WINDOW_X87);
      ReportRegister(name, expected, found);
    } else {
      ReportRegister(kGeneralNames[i], expected, found);
    }
  }
}

uint64_t TandemArchSweepStamps(uint64_t first, uint64_t end, uint64_t generation) {
  const unsigned processor = TandemArchProcessor();
  volatile uint64_t* loaded = window_loaded[processor];
  const volatile uint64_t* stored = window_stored[processor];
  const uint64_t position = generation * layout.page_count;
  LoadWindow(position + first);
  loaded[WINDOW_RSI] = (uint64_t)PageAt(first);
  loaded[WINDOW_RDI] = position + first;
  loaded[WINDOW_RCX] = first;
  loaded[WINDOW_RDX] = generation;
  window_end[processor] = end;
  sweep_windows[processor]();

  // The registers that moved must still agree with each other.
  const uint64_t reached = stored[WINDOW_RCX];
  const int lost = reached < first || reached > end;
  if (lost) ReportRegister("rcx", end, reached);
  const uint64_t page = lost ? end : reached;
  loaded[WINDOW_RCX] = stored[WINDOW_RCX];
  loaded[WINDOW_RSI] = (uint64_t)PageAt(page);
  loaded[WINDOW_RDI] = position + page;
  CheckWindow();
  return page;
}

void TandemArchPause(uint64_t ticks, uint64_t generation) {
  LoadWindow(~generation);
  window_start = ReadTsc();
  window_end[0] = window_start + ticks;
  PauseWindow();
  window_loaded[0][WINDOW_RDX] = window_stored[0][WINDOW_RDX];
  CheckWindow();
}
