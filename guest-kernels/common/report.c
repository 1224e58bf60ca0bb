// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

enum { kMaxLines = 20 };

// Console and record belong to one processor at a time; here stands its number plus one. An
// exception may come in the midst of a report, and is reported all the same.
static volatile unsigned owner;

static void Own(void) {
  const unsigned self = TandemArchProcessor() + 1;
  if (owner == self) return;
  unsigned nobody = 0;
  while (
      !__atomic_compare_exchange_n(&owner, &nobody, self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    nobody = 0;
    TandemArchRelax();
  }
}

static void Disown(void) { __atomic_store_n(&owner, 0, __ATOMIC_RELEASE); }

void PrintMark(char c) {
  Own();
  TandemArchPutChar(c);
  Disown();
}

static void PrintText(const char* text) {
  while (*text) TandemArchPutChar(*text++);
}

static void PrintDecimal(uint64_t value) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  while (count) TandemArchPutChar(digits[--count]);
}

static void PrintHex(uint64_t value) {
  PrintText("0x");
  int shift = 60;
  while (shift && !(value >> shift)) shift -= 4;
  for (; shift >= 0; shift -= 4) TandemArchPutChar("0123456789abcdef"[value >> shift & 15]);
}

static void PrintName(uint64_t name) {
  for (; name; name >>= 8) TandemArchPutChar((char)(name & 0xff));
}

static void PrintError(const struct TandemGuestError* error) {
  static const char* const kKinds[] = {"none", "page",    "register",  "system",  "device",
                                       "time", "options", "exception", "restart", "state"};
  PrintText("\n!");
  PrintText(kKinds[error->kind]);
  PrintText(" ");
  if (error->kind == TANDEM_GUEST_ERROR_PAGE) {
    PrintDecimal(error->id);
    PrintText(":");
    PrintDecimal(error->detail);
  } else {
    PrintName(error->id);
  }
  PrintText(" generation ");
  PrintDecimal(error->generation);
  PrintText(" expected ");
  PrintHex(error->expected);
  PrintText(" found ");
  PrintHex(error->found);
  if (error->processor != 0) {
    PrintText(" vcpu ");
    PrintDecimal(error->processor);
  }
  PrintText("\n");
}

// The count is stored last, so that a host that sees it also sees the whole first record.
static void Record(const struct TandemGuestError* error) {
  Own();
  volatile struct TandemGuestState* state = State();
  const uint64_t count = state->error_count;
  if (count == 0) {
    state->first_error.kind = error->kind;
    state->first_error.id = error->id;
    state->first_error.detail = error->detail;
    state->first_error.expected = error->expected;
    state->first_error.found = error->found;
    state->first_error.generation = error->generation;
    state->first_error.processor = error->processor;
  }
  state->error_count = count + 1;
  if (count < kMaxLines) PrintError(error);
  Disown();
}

void ReportPage(uint64_t page, uint64_t word, uint64_t expected, uint64_t found) {
  const struct TandemGuestError error = {
      TANDEM_GUEST_ERROR_PAGE, page, word, expected, found, State()->generation,
      TandemArchProcessor(),
  };
  Record(&error);
}

void ReportNamed(enum TandemGuestErrorKind kind, const char* name, uint64_t expected,
                 uint64_t found) {
  uint64_t id = 0;
  for (int i = 0; i < 8 && name[i]; ++i) id |= (uint64_t)(unsigned char)name[i] << (8 * i);
  const struct TandemGuestError error = {
      kind, id, 0, expected, found, State()->generation, TandemArchProcessor(),
  };
  Record(&error);
}

void CheckNamed(enum TandemGuestErrorKind kind, const char* name, uint64_t expected,
                uint64_t found) {
  if (expected != found) ReportNamed(kind, name, expected, found);
}
