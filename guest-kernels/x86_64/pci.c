// SPDX-License-Identifier: Apache-2.0
#include "pci.h"

enum {
  kCommandWord = 0x04,
  kHasCapabilities = 1 << 20,  // in the status half of the command word
  kFirstCapability = 0x34,
  kMostCapabilities = 48,  // a list of more is a loop
};

uint32_t NextPciCapability(uint32_t function, uint8_t id, uint32_t after) {
  if (!(ReadPci(function, kCommandWord) & kHasCapabilities)) return 0;
  uint32_t at = after ? ReadPci(function, after) >> 8 : ReadPci(function, kFirstCapability);
  for (int i = 0; i < kMostCapabilities && (at &= 0xfc) != 0; ++i) {
    const uint32_t header = ReadPci(function, at);
    if ((header & 0xff) == id) return at;
    at = header >> 8;
  }
  return 0;
}
