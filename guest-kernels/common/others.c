// SPDX-License-Identifier: Apache-2.0
//
// The processors besides the first. Processor 0 begins a generation by storing it into the state
// block; each of the others sees that there, sweeps its own slices and says that it has completed
// them; processor 0 begins the next one when all have. So a processor that stands still holds up
// all, and the console with them.
#include "guest.h"

static volatile struct TandemGuestSweeper* Other(unsigned processor) {
  return &State()->others[processor - 1];
}

// Where this processor stands in the state block is compared with what it knows itself, which is in
// its registers or on its stack, hence not on the same page.
static void CheckCompleted(volatile struct TandemGuestSweeper* self, uint64_t generation) {
  const uint64_t found = self->completed;
  if (found == generation) return;
  ReportNamed(TANDEM_GUEST_ERROR_STATE, "complete", generation, found);
  self->completed = generation;  // or everybody would wait
}

int StartOthers(void) {
  for (unsigned processor = 1; processor < options.sweepers; ++processor) {
    if (!TandemArchStartProcessor(processor)) return 0;
  }
  return 1;
}

void WaitForOthers(uint64_t generation) {
  for (unsigned processor = 1; processor < options.sweepers; ++processor) {
    while (Other(processor)->completed < generation) TandemArchRelax();
  }
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

_Noreturn void SweepBesides(void) {
  volatile struct TandemGuestSweeper* self = Other(TandemArchProcessor());
  uint64_t generation = self->completed;  // not 0 when the machine has slept
  TandemArchSetSystemRegisters(generation);
  for (;; self->completed = generation) {
    while (State()->generation <= generation) {
      CheckCompleted(self, generation);
      TandemArchRelax();
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    CheckOwnPosition(generation);
    TandemArchCheckSystemRegisters(generation);
    TandemArchSetSystemRegisters(++generation);
    Sweep(generation);
    __atomic_thread_fence(__ATOMIC_RELEASE);
  }
}
