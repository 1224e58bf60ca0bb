// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/page_search.h"

#include <cstdint>
#include <cstring>

#include "tandem/guest_abi.h"

namespace tandem {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr size_t kShortestStretch = 32 * kWordBytes;

uint64_t WordAt(const char* place) {
  uint64_t word;
  std::memcpy(&word, place, sizeof word);
  return word;
}

// From one body word to the next there is always the same step, whatever the page.
bool StepsToNextWord(const char* place) {
  return WordAt(place + kWordBytes) - WordAt(place) == kTandemGuestBodyStep;
}

}  // namespace

size_t CountPageBodies(std::string_view bytes) {
  size_t stretches = 0;
  for (size_t begin = 0; begin + 2 * kWordBytes <= bytes.size();) {
    size_t end = begin;
    while (end + 2 * kWordBytes <= bytes.size() && StepsToNextWord(bytes.data() + end)) {
      end += kWordBytes;
    }
    if (end + kWordBytes - begin >= kShortestStretch) ++stretches;
    begin = end == begin ? begin + 1 : end;
  }
  return stretches;
}

}  // namespace tandem
