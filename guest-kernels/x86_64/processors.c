// SPDX-License-Identifier: Apache-2.0
//
// Starts the other processors through the local APIC, which tells its processor's number too.
#include "cpu.h"
#include "guest.h"
#include "instructions.h"

enum {
  kLocalApic = 0xfee00000u,
  kCommandLow = 0x300,
  kCommandHigh = 0x310,
  kInit = 0x4500,     // asserted
  kStartUp = 0x4600,  // at the page whose number is in the lowest byte
};

// Of the counter, which counts some billions a second: well above what a start takes on an idle
// host, and well above what it takes on any.
static const uint64_t kStartTicks = 1 << 20;
static const uint64_t kGiveUpTicks = 1ULL << 34;

// start.S: where a processor starts in real mode; at the beginning of a page below 1 MiB.
extern const uint8_t processor_entry[];
// start.S: one stack after the other.
extern const uint8_t stacks[];

static volatile uint8_t has_started[TANDEM_GUEST_MAX_SWEEPERS];

unsigned TandemArchProcessor(void) {
  const uint8_t* stack;
  __asm__("mov %%rsp, %0" : "=r"(stack));
  return (unsigned)(stack - stacks) / STACK_BYTES;
}

void TandemArchRelax(void) { __asm__ volatile("pause" : : : "memory"); }

static void Command(unsigned processor, uint32_t command) {
  volatile uint8_t* apic = (volatile uint8_t*)(uint64_t)kLocalApic;
  *(volatile uint32_t*)(apic + kCommandHigh) = processor << 24;
  *(volatile uint32_t*)(apic + kCommandLow) = command;
}

static int WaitForStart(unsigned processor) {
  const uint64_t begin = ReadTsc();
  while (!has_started[processor] && ReadTsc() - begin < kStartTicks) TandemArchRelax();
  return has_started[processor];
}

// A processor that runs already does not heed another start-up command.
int TandemArchStartProcessor(unsigned processor) {
  const uint64_t begin = ReadTsc();
  Command(processor, kInit);
  WaitForStart(processor);
  while (ReadTsc() - begin < kGiveUpTicks) {
    Command(processor, kStartUp | (uint32_t)((uint64_t)processor_entry >> 12));
    if (WaitForStart(processor)) return 1;
  }
  return 0;
}

void TandemProcessorMain(void) {
  LoadExceptionTable();
  has_started[TandemArchProcessor()] = 1;
  SweepBesides();
}
