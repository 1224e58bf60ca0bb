// SPDX-License-Identifier: Apache-2.0
//
// Configuration space of PCI devices by the ports of a PC. Both leave the address port changed,
// which devices.c uses as a register to be checked: call them between a check and the next setting.
#ifndef TANDEM_GUEST_X86_64_PCI_H_
#define TANDEM_GUEST_X86_64_PCI_H_

#include <stdint.h>

#include "instructions.h"

enum {
  kPciAddress = 0xcf8,
  kPciData = 0xcfc,
  kPciDevices = 32,  // of a bus
};

// A function, as the address port takes it.
static inline uint32_t PciFunction(uint32_t bus, uint32_t device, uint32_t function) {
  return bus << 16 | device << 11 | function << 8;
}

static inline uint32_t ReadPci(uint32_t function, uint32_t offset) {
  Out32(kPciAddress, 0x80000000 | function | offset);
  return In32(kPciData);
}

static inline void WritePci(uint32_t function, uint32_t offset, uint32_t value) {
  Out32(kPciAddress, 0x80000000 | function | offset);
  Out32(kPciData, value);
}

// 16 bits, where the other half of the word must stay untouched; `offset` is even.
static inline void WritePci16(uint32_t function, uint32_t offset, uint16_t value) {
  Out32(kPciAddress, 0x80000000 | function | (offset & ~3u));
  Out16((uint16_t)(kPciData + (offset & 2)), value);
}

// 8 bits, likewise.
static inline void WritePci8(uint32_t function, uint32_t offset, uint8_t value) {
  Out32(kPciAddress, 0x80000000 | function | (offset & ~3u));
  Out8((uint16_t)(kPciData + (offset & 3)), value);
}

// The offset of the capability behind `after`, or of the first one when that is 0, with this
// identifier; 0 if there is none.
uint32_t NextPciCapability(uint32_t function, uint8_t id, uint32_t after);

#endif  // TANDEM_GUEST_X86_64_PCI_H_
