// SPDX-License-Identifier: Apache-2.0
//
// Sleep state S3 of a PC (pc and q35) without a firmware's help: the guest itself gives the
// chipset's power management its ports, and finds out after a reset whether it was woken.
#include "guest.h"
#include "instructions.h"
#include "pci.h"

enum {
  kPowerPorts = 0x600,
  kStatusPort = kPowerPorts,       // PM1_STS
  kControlPort = kPowerPorts + 4,  // PM1_CNT
  kWakeStatus = 0x8000,
  kSleepToRam = 1 << 10 | 1 << 13,  // SLP_TYP 1, which is S3 on both chipsets; SLP_EN
};

// The function that manages power, and how it takes its ports: PIIX4 and ICH9.
static const struct {
  uint32_t id;
  uint32_t device;
  uint32_t base_register;
  uint32_t enable_register;
  uint32_t enable;
} kChipsets[] = {
    {0x71138086, 1 << 11 | 3 << 8, 0x40, 0x80, 0x01},
    {0x29188086, 31 << 11, 0x40, 0x44, 0x80},
};

// Returns whether there is a chipset that this file knows.
static int OpenPowerPorts(void) {
  for (unsigned i = 0; i < sizeof(kChipsets) / sizeof(kChipsets[0]); ++i) {
    const uint32_t device = kChipsets[i].device;
    if (ReadPci(device, 0) != kChipsets[i].id) continue;
    const uint32_t enable = ReadPci(device, kChipsets[i].enable_register);
    WritePci(device, kChipsets[i].base_register, kPowerPorts | 1);
    WritePci(device, kChipsets[i].enable_register, enable | kChipsets[i].enable);
    return 1;
  }
  return 0;
}

int TandemArchHasWoken(void) { return OpenPowerPorts() && (In16(kStatusPort) & kWakeStatus) != 0; }

void TandemArchSuspend(void) {
  if (OpenPowerPorts()) Out16(kControlPort, kSleepToRam);
  TandemArchHalt();
}
