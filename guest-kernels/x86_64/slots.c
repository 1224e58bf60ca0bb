// SPDX-License-Identifier: Apache-2.0
//
// Hot-plug slots of q35: lets go of a device when QEMU asks for it, be it by ACPI or by the slot's
// own registers.
#include "failover.h"
#include "guest.h"
#include "instructions.h"
#include "pci.h"

enum { kNothing = 0xffff, kExpressCapability = 0x10 };

// Registers of a slot, from its express capability.
enum { kExpressType = 0x02, kSlotControl = 0x18, kSlotStatus = 0x1a };
enum {
  kRootPort = 4 << 4,
  kButtonPressed = 1 << 0,
  kPresenceChanged = 1 << 3,
  kDevicePresent = 1 << 6,
  kPowerOff = 1 << 10,
  kIndicator = 3 << 8,
  kIndicatorOn = 1 << 8,
  kIndicatorOff = 3 << 8,
};
enum { kBuses = 0x18, kFirstSlotBus = 1 };

static uint16_t ReadHalf(uint32_t function, uint32_t offset) {
  return (uint16_t)(ReadPci(function, offset & ~3u) >> (offset & 2) * 8);
}

// Presses of the button mean: power the slot, or, if it has power, let go of the device.
static void TendSlot(uint32_t port, uint32_t express) {
  volatile struct TandemGuestFailover* failover = &State()->failover;
  const uint16_t status = ReadHalf(port, express + kSlotStatus);
  if (!(status & kButtonPressed) || !(status & kDevicePresent)) return;
  const uint16_t control = ReadHalf(port, express + kSlotControl);
  const int has_power = !(control & kPowerOff);
  if (has_power && failover->hold) return;  // the press stays, so the guest will answer it one day
  WritePci16(port, express + kSlotStatus, kButtonPressed | kPresenceChanged);  // writing 1 clears
  const uint32_t others = control & ~(uint32_t)(kIndicator | kPowerOff);
  if (has_power) {
    WritePci16(port, express + kSlotControl, (uint16_t)(others | kIndicatorOff | kPowerOff));
    ++failover->let_go;
  } else {
    WritePci16(port, express + kSlotControl, (uint16_t)(others | kIndicatorOn));
  }
}

uint64_t TendSlots(void) {
  uint64_t devices = 0;
  uint32_t bus = kFirstSlotBus;
  for (uint32_t device = 0; device < kPciDevices; ++device) {
    const uint32_t port = PciFunction(0, device, 0);
    if ((ReadPci(port, 0) & 0xffff) == kNothing) continue;
    const uint32_t express = NextPciCapability(port, kExpressCapability, 0);
    if (!express || (ReadHalf(port, express + kExpressType) & 0xf0) != kRootPort) continue;
    WritePci(port, kBuses, bus << 8 | bus << 16);
    TendSlot(port, express);
    devices += (ReadPci(PciFunction(bus, 0, 0), 0) & 0xffff) != kNothing;
    ++bus;
  }
  return devices;
}

// ACPI's ports of q35; where slots are not ACPI's, nothing answers at these ports.
enum {
  kHotplug = 0xcc0,
  kDown = kHotplug + 4,
  kEject = kHotplug + 8,
  kSelect = kHotplug + 16,
  kMostBuses = 8,
};

void TendAcpi(void) {
  volatile struct TandemGuestFailover* failover = &State()->failover;
  for (uint32_t bus = 0; bus < kMostBuses && !failover->hold; ++bus) {
    Out32(kSelect, bus);
    if (In32(kSelect) != bus) return;
    const uint32_t asked = In32(kDown);
    if (asked == 0) continue;
    Out32(kEject, asked & -asked);
    ++failover->let_go;
  }
}
