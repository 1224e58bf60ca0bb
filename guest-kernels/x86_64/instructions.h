// SPDX-License-Identifier: Apache-2.0
//
// Single instructions that C cannot express.
#ifndef TANDEM_GUEST_X86_64_INSTRUCTIONS_H_
#define TANDEM_GUEST_X86_64_INSTRUCTIONS_H_

#include <stdint.h>

static inline void Out8(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t In8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void Out16(uint16_t port, uint16_t value) {
  __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t In16(uint16_t port) {
  uint16_t value;
  __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void Out32(uint16_t port, uint32_t value) {
  __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t In32(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void WriteMsr(uint32_t msr, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t ReadMsr(uint32_t msr) {
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return low | (uint64_t)high << 32;
}

struct CpuIdentification {
  uint32_t eax, ebx, ecx, edx;
};

static inline struct CpuIdentification CpuId(uint32_t leaf) {
  struct CpuIdentification id;
  __asm__ volatile("cpuid"
                   : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
                   : "a"(leaf), "c"(0));
  return id;
}

static inline uint64_t ReadTsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return low | (uint64_t)high << 32;
}

#endif  // TANDEM_GUEST_X86_64_INSTRUCTIONS_H_
