// SPDX-License-Identifier: Apache-2.0
//
// Device registers of a PC (pc and q35) that nothing uses while this guest runs: each sweep sets
// them to values derived from its generation, the next one reads them back. The values differ from
// one generation to the next. Interrupts are off for good, so no mask or edge setting can have a
// consequence.
#include "guest.h"
#include "instructions.h"
#include "pci.h"

enum {
  kUartModemControl = 0x3fc,
  kUartScratch = 0x3ff,
  kCmosIndex = 0x70,
  kCmosData = 0x71,
  kPrimaryPicMask = 0x21,
  kSecondaryPicMask = 0xa1,
  kPrimaryPicEdge = 0x4d0,
  kSecondaryPicEdge = 0x4d1,
  kPitChannel2 = 0x42,
  kPitControl = 0x43,
  kSpeakerGate = 0x61,
};

static uint8_t Byte(uint64_t generation, uint64_t salt) {
  return (uint8_t)(generation * 53 + salt * 101 + 17);
}

static void Check(const char* name, uint64_t expected, uint64_t found) {
  CheckNamed(TANDEM_GUEST_ERROR_DEVICE, name, expected, found);
}

// Bytes that are single registers. `mask` has the bits that can be set freely.
static const struct {
  uint16_t port;
  uint8_t mask;
  const char* name;
} kByteRegisters[] = {
    {kUartScratch, 0xff, "uart.scr"},    {kUartModemControl, 0x03, "uart.mcr"},
    {kPrimaryPicMask, 0xff, "pic0.imr"}, {kSecondaryPicMask, 0xff, "pic1.imr"},
    {kPrimaryPicEdge, 0xf8, "pic0.elc"}, {kSecondaryPicEdge, 0xde, "pic1.elc"},
};
enum { kByteRegisterCount = sizeof(kByteRegisters) / sizeof(kByteRegisters[0]) };

// Bytes of battery-backed RAM that neither SeaBIOS nor QEMU gives a meaning. The index register is
// left at one of them, so that the next check also proves the index.
enum { kCmosFirst = 0x60, kCmosBytes = 8 };

static uint8_t CmosResting(uint64_t generation) { return (uint8_t)(generation % kCmosBytes); }

static uint64_t CmosWord(uint64_t generation) {
  uint64_t word = 0;
  for (int i = 0; i < kCmosBytes; ++i) word |= (uint64_t)Byte(generation, 8 + i) << (8 * i);
  return word;
}

static void SetCmos(uint64_t generation) {
  const uint64_t word = CmosWord(generation);
  for (int i = 0; i < kCmosBytes; ++i) {
    Out8(kCmosIndex, (uint8_t)(kCmosFirst + i));
    Out8(kCmosData, (uint8_t)(word >> (8 * i)));
  }
  Out8(kCmosIndex, kCmosFirst + CmosResting(generation));
}

static void CheckCmos(uint64_t generation) {
  const uint64_t expected = CmosWord(generation);
  Check("cmos.idx", expected >> (8 * CmosResting(generation)) & 0xff, In8(kCmosData));
  uint64_t found = 0;
  for (int i = 0; i < kCmosBytes; ++i) {
    Out8(kCmosIndex, (uint8_t)(kCmosFirst + i));
    found |= (uint64_t)In8(kCmosData) << (8 * i);
  }
  Check("cmos.ram", expected, found);
}

// Channel 2 of the timer counts down from a reload value, about a million times a second. The
// reload values are small in odd generations and large in even ones, so that one tells from the
// counts whether the last one was lost.
enum {
  kPitMaxSmall = 0xff,
  kPitReadBackChannel2 = 0xc8,  // latches status and count
  kPitModeMask = 0x3f,
  kPitSmallSamples = 4,
  kPitMaxSamples = 100000,
};

static uint8_t PitMode(uint64_t generation) {
  return generation / 2 % 2 ? 0xb6 : 0xb4;
}  // square wave or rate

static uint16_t PitReload(uint64_t generation) {
  const uint64_t spread = generation / 2 * 29;
  return (uint16_t)(generation % 2 ? 0x80 + spread % 0x40 * 2 : 0x8000 + spread % 0x4000 * 2);
}

static void SetPit(uint64_t generation) {
  Out8(kSpeakerGate, 1);  // counting on, no sound
  Out8(kPitControl, PitMode(generation));
  Out8(kPitChannel2, (uint8_t)PitReload(generation));
  Out8(kPitChannel2, (uint8_t)(PitReload(generation) >> 8));
}

static uint16_t ReadPit(uint8_t* status) {
  Out8(kPitControl, kPitReadBackChannel2);
  *status = In8(kPitChannel2);
  const uint8_t low = In8(kPitChannel2);
  return (uint16_t)(low | In8(kPitChannel2) << 8);
}

// A small reload never shows a larger count. A large one shows a count above the small ones within
// 0.3 ms.
static void CheckPit(uint64_t generation) {
  const uint16_t reload = PitReload(generation);
  uint8_t status;
  uint16_t count = 0;
  int samples = reload > kPitMaxSmall ? kPitMaxSamples : kPitSmallSamples;
  for (; samples > 0; --samples) {
    count = ReadPit(&status);
    if (count == 0 || count > reload || count > kPitMaxSmall) break;
  }
  Check("pit.mode", PitMode(generation) & kPitModeMask, status & kPitModeMask);
  const int plausible =
      count > 0 && count <= reload && (reload <= kPitMaxSmall || count > kPitMaxSmall);
  if (!plausible) Check("pit.load", reload, count);
}

static uint32_t PciAddress(uint64_t generation) {
  return (uint32_t)(TandemGuestMix(generation) & 0x80fffffc);
}

void TandemArchSetDevices(uint64_t generation) {
  for (int i = 0; i < kByteRegisterCount; ++i) {
    Out8(kByteRegisters[i].port, Byte(generation, i) & kByteRegisters[i].mask);
  }
  SetCmos(generation);
  SetPit(generation);
  Out32(kPciAddress, PciAddress(generation));
}

void TandemArchCheckDevices(uint64_t generation) {
  for (int i = 0; i < kByteRegisterCount; ++i) {
    const uint8_t mask = kByteRegisters[i].mask;
    Check(kByteRegisters[i].name, Byte(generation, i) & mask, In8(kByteRegisters[i].port) & mask);
  }
  CheckCmos(generation);
  CheckPit(generation);
  Check("pci.addr", PciAddress(generation), In32(kPciAddress));
}
