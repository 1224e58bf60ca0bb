// SPDX-License-Identifier: Apache-2.0
//
// The two functions that a compiler may call on its own even in freestanding code. Volatile keeps
// it from turning their loops into calls to themselves.
#include <stddef.h>

void* memset(void* to, int value, size_t count);
void* memcpy(void* restrict to, const void* restrict from, size_t count);

void* memset(void* to, int value, size_t count) {
  for (volatile unsigned char* byte = to; count > 0; --count) *byte++ = (unsigned char)value;
  return to;
}

void* memcpy(void* restrict to, const void* restrict from, size_t count) {
  const unsigned char* source = from;
  for (volatile unsigned char* byte = to; count > 0; --count) *byte++ = *source++;
  return to;
}
