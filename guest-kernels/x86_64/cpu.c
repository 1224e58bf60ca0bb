// SPDX-License-Identifier: Apache-2.0
//
// Exceptions, halt, counter, and the system registers that no sweep uses: set in one sweep, read in
// the next.
#include "cpu.h"

#include "guest.h"
#include "instructions.h"

enum { kVectors = 32, kCodeSelector = 8, kInterruptGate = 0x8e };

struct Gate {
  uint16_t offset_low;
  uint16_t selector;
  uint8_t stack;
  uint8_t type;
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t zero;
};

struct __attribute__((packed)) TablePointer {
  uint16_t limit;
  uint64_t base;
};

static struct Gate gates[kVectors];

// start.S: one stub of 16 bytes for each vector.
extern const uint8_t exception_stubs[];
enum { kStubBytes = 16 };

void LoadExceptionTable(void) {
  for (int vector = 0; vector < kVectors; ++vector) {
    const uint64_t stub = (uint64_t)(exception_stubs + vector * kStubBytes);
    struct Gate* gate = &gates[vector];
    gate->offset_low = (uint16_t)stub;
    gate->selector = kCodeSelector;
    gate->type = kInterruptGate;
    gate->offset_middle = (uint16_t)(stub >> 16);
    gate->offset_high = (uint32_t)(stub >> 32);
  }
  const struct TablePointer pointer = {sizeof(gates) - 1, (uint64_t)gates};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

_Noreturn void TandemException(uint64_t vector, uint64_t error_code, uint64_t instruction) {
  char name[5] = "vec";
  name[3] = "0123456789abcdefghijklmnopqrstuv"[vector % kVectors];
  ReportNamed(TANDEM_GUEST_ERROR_EXCEPTION, name, error_code, instruction);
  TandemArchHalt();
}

enum { kVendorLeaf = 0, kHypervisorLeaf = 0x40000000 };

// AMD defines only the lower halves of the registers of SYSENTER: what its processors keep of the
// upper ones, KVM drops when it restores them.
static int has_narrow_sysenter;

static int HasNarrowSysenter(void) {
  const uint32_t vendor = CpuId(kVendorLeaf).ecx;
  const int is_amd = vendor == 0x444d4163 || vendor == 0x656e6975;  // "cAMD" and "uine"
  return is_amd && CpuId(kHypervisorLeaf).ebx == 0x4b4d564b;        // "KVMK"
}

void TandemArchInit(void) {
  LoadExceptionTable();
  ConsoleInit();
  has_narrow_sysenter = HasNarrowSysenter();
}

void TandemArchHalt(void) {
  for (;;) __asm__ volatile("cli; hlt");
}

uint64_t TandemArchTicks(void) { return ReadTsc(); }

void TandemArchFlushTranslations(void) {
  uint64_t root;
  __asm__ volatile("mov %%cr3, %0" : "=r"(root));
  __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

// Addresses must be canonical: bits 47 to 63 equal. No two processors have the same.
static uint64_t Address(uint64_t generation, uint64_t salt) {
  const uint64_t seed = generation * 64 + salt + ((uint64_t)TandemArchProcessor() << 56);
  return TandemGuestMix(seed) & 0x00007fffffffffff;
}

enum { kSysenterEsp = 0x175, kSysenterEip = 0x176 };

static const struct {
  uint32_t number;
  const char* name;
} kModelRegisters[] = {
    {0xc0000100, "fs.base"},  {0xc0000101, "gs.base"}, {0xc0000102, "kgs.base"},
    {0xc0000082, "lstar"},    {0xc0000083, "cstar"},   {kSysenterEsp, "sysesp"},
    {kSysenterEip, "syseip"},
};
enum { kModelRegisterCount = sizeof(kModelRegisters) / sizeof(kModelRegisters[0]) };

static uint64_t ModelRegister(uint64_t generation, int index) {
  const uint32_t number = kModelRegisters[index].number;
  const uint64_t value = Address(generation, index);
  const int is_of_sysenter = number == kSysenterEsp || number == kSysenterEip;
  return is_of_sysenter && has_narrow_sysenter ? (uint32_t)value : value;
}

static uint64_t TaskPriority(uint64_t generation) { return generation * 5 % 16; }

#define WRITE_REGISTER(name, value) __asm__ volatile("mov %0, %%" name : : "r"((uint64_t)(value)))
#define CHECK_REGISTER(name, value)                                        \
  do {                                                                     \
    uint64_t found;                                                        \
    __asm__ volatile("mov %%" name ", %0" : "=r"(found));                  \
    CheckNamed(TANDEM_GUEST_ERROR_SYSTEM, name, (uint64_t)(value), found); \
  } while (0)

// Debug registers hold addresses only; none is armed.
void TandemArchSetSystemRegisters(uint64_t generation) {
  for (int i = 0; i < kModelRegisterCount; ++i)
    WriteMsr(kModelRegisters[i].number, ModelRegister(generation, i));
  WRITE_REGISTER("cr2", Address(generation, 16));
  WRITE_REGISTER("cr8", TaskPriority(generation));
  WRITE_REGISTER("dr0", Address(generation, 17));
  WRITE_REGISTER("dr1", Address(generation, 18));
  WRITE_REGISTER("dr2", Address(generation, 19));
  WRITE_REGISTER("dr3", Address(generation, 20));
}

void TandemArchCheckSystemRegisters(uint64_t generation) {
  for (int i = 0; i < kModelRegisterCount; ++i) {
    CheckNamed(TANDEM_GUEST_ERROR_SYSTEM, kModelRegisters[i].name, ModelRegister(generation, i),
               ReadMsr(kModelRegisters[i].number));
  }
  CHECK_REGISTER("cr2", Address(generation, 16));
  CHECK_REGISTER("cr8", TaskPriority(generation));
  CHECK_REGISTER("dr0", Address(generation, 17));
  CHECK_REGISTER("dr1", Address(generation, 18));
  CHECK_REGISTER("dr2", Address(generation, 19));
  CHECK_REGISTER("dr3", Address(generation, 20));
}
