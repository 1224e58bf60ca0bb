// SPDX-License-Identifier: Apache-2.0
//
// The standby of a failover pair: a virtio network device, taken with the feature that makes QEMU
// plug the primary. No packet is ever sent, so it gets no queues.
#include "failover.h"
#include "pci.h"

enum {
  kVirtioNetTransitional = 0x10001af4,
  kVirtioNet = 0x10411af4,
  kVendorCapability = 0x09,
  kCommonConfiguration = 1,  // kinds of a virtio capability
  kConfigurationWindow = 5,
};

// Virtio's common configuration, through the window that needs no memory to be mapped.
struct Common {
  uint32_t function;
  uint32_t window;  // its capability
  uint8_t bar;
  uint32_t offset;  // of the common configuration in that memory
};

// Offsets in it.
enum { kFeatureSelect = 8, kFeatures = 12, kStatus = 20 };
enum { kAcknowledged = 1, kDriver = 2, kDriverReady = 4, kFeaturesChosen = 8 };
// In the upper half of the features.
enum { kVersion1 = 1 << (32 - 32), kStandby = 1 << (62 - 32) };

static void WriteCommon(const struct Common* common, uint32_t offset, uint32_t length,
                        uint32_t value) {
  WritePci8(common->function, common->window + 4, common->bar);
  WritePci(common->function, common->window + 8, common->offset + offset);
  WritePci(common->function, common->window + 12, length);
  // The data is as long as the access, from the window's start.
  if (length == 1) {
    WritePci8(common->function, common->window + 16, (uint8_t)value);
  } else {
    WritePci(common->function, common->window + 16, value);
  }
}

static int FindCommon(uint32_t function, struct Common* common) {
  common->function = function;
  common->window = 0;
  int found = 0;
  for (uint32_t at = 0; (at = NextPciCapability(function, kVendorCapability, at)) != 0;) {
    const uint32_t kind = ReadPci(function, at) >> 24;
    if (kind == kConfigurationWindow) common->window = at;
    if (kind != kCommonConfiguration || found) continue;
    common->bar = (uint8_t)ReadPci(function, at + 4);
    common->offset = ReadPci(function, at + 8);
    found = 1;
  }
  return found && common->window;
}

static void Negotiate(const struct Common* common) {
  WriteCommon(common, kStatus, 1, 0);
  WriteCommon(common, kStatus, 1, kAcknowledged | kDriver);
  WriteCommon(common, kFeatureSelect, 4, 0);
  WriteCommon(common, kFeatures, 4, 0);
  WriteCommon(common, kFeatureSelect, 4, 1);
  WriteCommon(common, kFeatures, 4, kVersion1 | kStandby);
  WriteCommon(common, kStatus, 1, kAcknowledged | kDriver | kFeaturesChosen);
  WriteCommon(common, kStatus, 1, kAcknowledged | kDriver | kFeaturesChosen | kDriverReady);
}

int TakeStandby(void) {
  for (uint32_t device = 0; device < kPciDevices; ++device) {
    const uint32_t function = PciFunction(0, device, 0);
    const uint32_t id = ReadPci(function, 0);
    struct Common common;
    if ((id != kVirtioNet && id != kVirtioNetTransitional) || !FindCommon(function, &common)) {
      continue;
    }
    Negotiate(&common);
    return 1;
  }
  return 0;
}
