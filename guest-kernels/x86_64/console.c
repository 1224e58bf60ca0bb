// SPDX-License-Identifier: Apache-2.0
//
// COM1, polled.
#include "guest.h"
#include "instructions.h"

enum {
  kData = 0x3f8,
  kInterruptEnable = 0x3f9,
  kFifoControl = 0x3fa,
  kLineControl = 0x3fb,
  kModemControl = 0x3fc,
  kLineStatus = 0x3fd,
  kDivisorLatch = 0x80,
  k8N1 = 0x03,
  kTransmitterEmpty = 0x20,
  kMaxPolls = 20000,
};

void ConsoleInit(void) {
  Out8(kInterruptEnable, 0);
  Out8(kLineControl, kDivisorLatch | k8N1);
  Out8(kData, 1);  // 115200 baud
  Out8(kInterruptEnable, 0);
  Out8(kLineControl, k8N1);
  Out8(kFifoControl, 0);
  Out8(kModemControl, 0);
}

void TandemArchPutChar(char c) {
  for (int polls = 0; polls < kMaxPolls; ++polls) {
    if (In8(kLineStatus) & kTransmitterEmpty) {
      Out8(kData, (uint8_t)c);
      return;
    }
  }
  State()->console_dropped = State()->console_dropped + 1;
}
