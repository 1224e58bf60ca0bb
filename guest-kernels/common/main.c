// SPDX-License-Identifier: Apache-2.0
//
// Start-up and the endless loop. Prints 'A' once it runs and 'B' after each sweep.
#include "guest.h"

struct TandemGuestLayout layout;
struct TandemGuestOptions options;

static _Noreturn void RefuseOptions(const char* problem, const uint64_t words[2]) {
  ReportNamed(TANDEM_GUEST_ERROR_OPTIONS, problem, words[0], words[1]);
  TandemArchHalt();
}

_Noreturn static void RefuseSweepers(void) {
  const uint64_t words[2] = {State()->option_words[0], State()->option_words[1]};
  RefuseOptions("sweepers", words);
}

// The last word of the region must be RAM.
static int RegionIsRam(void) {
  volatile uint64_t* word = PageAt(layout.page_count - 1) + TANDEM_GUEST_PAGE_WORDS - 1;
  const uint64_t kProbe = 0x5a17c0de3e9b46f1;
  const uint64_t before = *word;
  *word = kProbe;
  const int is_ram = *word == kProbe;
  *word = before;
  return is_ram;
}

static void TakeOptions(void) {
  volatile struct TandemGuestState* state = State();
  const volatile uint64_t* given =
      (volatile uint64_t*)(TANDEM_ARCH_RAM_BASE + TANDEM_GUEST_OPTIONS_OFFSET);
  const uint64_t words[2] = {given[0], given[1]};
  const char* problem = TandemGuestUnpackOptions(words, &options);
  if (problem) RefuseOptions(problem, words);
  layout = TandemGuestLayoutOf(&options);
  if (!RegionIsRam()) RefuseOptions("ram", words);
  state->option_words[0] = words[0];
  state->option_words[1] = words[1];
  state->layout.page_count = layout.page_count;
  state->layout.ordinary_end = layout.ordinary_end;
  state->layout.zero_end = layout.zero_end;
  state->layout.incompressible_end = layout.incompressible_end;
  state->region_gpa = TANDEM_ARCH_RAM_BASE + TANDEM_GUEST_REGION_OFFSET;
}

// Returns whether an earlier run left its state block behind, which only a reset can do. A reset
// must not look like a guest that runs happily, so it is a failure; the region is made generation 0
// again.
static int ClearState(void) {
  volatile struct TandemGuestState* state = State();
  const int restarted =
      state->magic == kTandemGuestStateMagic || state->magic == kTandemGuestRestartMagic;
  // Stays until the region is clear: a reset before that must find that it was not.
  state->magic = restarted ? kTandemGuestRestartMagic : 0;
  volatile uint64_t* words = (volatile uint64_t*)state;
  for (unsigned i = 1; i < sizeof(*state) / sizeof(*words); ++i) words[i] = 0;
  state->abi_version = TANDEM_GUEST_ABI_VERSION;
  return restarted;
}

static void ClearRegion(void) {
  for (volatile uint64_t* word = PageAt(0); word < PageAt(layout.page_count); ++word) *word = 0;
}

// `generation` is the one just completed. It lives in a register or on the stack, hence not on the
// page that it is compared with.
static void CheckState(uint64_t generation) {
  const volatile struct TandemGuestState* state = State();
  CheckNamed(TANDEM_GUEST_ERROR_STATE, "sweep", generation, state->generation);
  CheckNamed(TANDEM_GUEST_ERROR_STATE, "devices", generation, state->device_generation);
  CheckOwnPosition(generation);
}

static void CheckTime(void) {
  volatile struct TandemGuestState* state = State();
  const uint64_t now = TandemArchTicks();
  if (now < state->last_tick) ReportNamed(TANDEM_GUEST_ERROR_TIME, "ticks", state->last_tick, now);
  state->last_tick = now;
}

static void SetRegisters(uint64_t generation) {
  if (!(options.flags & TANDEM_GUEST_FLAG_NO_DEVICES)) TandemArchSetDevices(generation);
  TandemArchSetSystemRegisters(generation);
  State()->device_generation = generation;
}

static void CheckRegisters(uint64_t generation) {
  if (!(options.flags & TANDEM_GUEST_FLAG_NO_DEVICES)) TandemArchCheckDevices(generation);
  TandemArchCheckSystemRegisters(generation);
}

// Whether the guest fell asleep where its state block says, and was woken now.
static int IsWaking(void) {
  const volatile struct TandemGuestState* state = State();
  return state->magic == kTandemGuestStateMagic && state->sleep == TANDEM_GUEST_ASLEEP &&
         TandemArchHasWoken();
}

// Takes up the work after the sweep that was the last before the guest slept. Its memory is as it
// was; processor and devices were reset.
static void WakeUp(void) {
  volatile struct TandemGuestState* state = State();
  state->sleep = TANDEM_GUEST_AWAKE_AGAIN;
  state->last_tick = TandemArchTicks();
  SetRegisters(state->generation);
  if (!StartOthers()) RefuseSweepers();
}

_Noreturn static void FallAsleep(void) {
  State()->sleep = TANDEM_GUEST_ASLEEP;
  TandemArchSuspend();
}

_Noreturn static void SweepForEver(uint64_t generation) {
  volatile struct TandemGuestState* state = State();
  for (;; ++generation) {
    CheckState(generation - 1);
    state->generation = generation;
    CheckTime();
    CheckRegisters(generation - 1);
    if (options.flags & TANDEM_GUEST_FLAG_FAILOVER) TandemArchTendFailover();
    SetRegisters(generation);
    Sweep(generation);
    WaitForOthers(generation);
    PrintMark('B');
    if (options.pause_ticks) TandemArchPause(options.pause_ticks, generation);
    if (generation == TANDEM_GUEST_SUSPEND_SWEEPS && options.flags & TANDEM_GUEST_FLAG_SUSPEND) {
      FallAsleep();
    }
  }
}

_Noreturn void TandemMain(void) {
  volatile struct TandemGuestState* state = State();
  if (IsWaking()) {
    TandemArchInit();
    TakeOptions();
    WakeUp();
    SweepForEver(state->generation + 1);
  }
  const int restarted = ClearState();
  TandemArchInit();
  TandemArchPutChar('A');
  TakeOptions();
  if (restarted) {
    ReportNamed(TANDEM_GUEST_ERROR_RESTART, "reset", 0, 1);
    ClearRegion();
  }
  SetRegisters(0);
  if (!StartOthers()) RefuseSweepers();
  state->magic = kTandemGuestStateMagic;
  SweepForEver(1);
}
