// SPDX-License-Identifier: Apache-2.0
// What is wrong with one page of guest RAM, and how to tell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/guest/page_pattern.h"

namespace tandem {

// What a page holds instead of what it should.
enum class FindingKind {
  kZeroed,   // all zero instead of data
  kStale,    // the contents of an earlier generation
  kAhead,    // the contents of a later generation: then the state block is the stale one
  kSwapped,  // the contents of another page
  kTorn,     // a mixture of generations of this page that no order of writing explains
  kDamaged,  // contents that this page never had
};
// How many kinds there are.
inline constexpr size_t kFindingKinds = 6;

// "zeroed", "stale", …
std::string_view FindingKindName(FindingKind kind);

// One wrong page. A value.
struct PageFinding {
  FindingKind kind = FindingKind::kDamaged;
  uint64_t page = 0;                // index in the test region
  uint64_t gpa = 0;                 // guest-physical address of the page
  std::optional<uint64_t> sweeper;  // whose page it is, where several vCPUs sweep
  TandemGuestBand band = TANDEM_GUEST_BAND_ORDINARY;
  bool in_transition = false;  // the guest was writing this page when it was stopped

  // Generations that the page lags behind (kStale), or is ahead (kAhead). In kZeroed 1 if the
  // generation before was all zero, so that zeroed and stale by one cannot be told apart, else 0.
  uint64_t stale_by = 0;
  uint64_t swapped_with = 0;  // kSwapped: index of the page whose contents these are

  // The first wrong byte, as an offset in the page, and the word that it lies in.
  uint32_t byte_offset = 0;
  uint64_t expected_word = 0;
  uint64_t found_word = 0;

  // Extent of the difference. In a torn page that was in transition, of what is out of order.
  uint32_t differing_words = 0;
  uint32_t span_bytes = 0;         // from the first to the last differing word
  bool zero_filled = false;        // every differing word is zero
  std::optional<int> flipped_bit;  // of the byte at byte_offset, if it is all that differs
};

// Says of a page that is not what it should be what it is. `generation` is that of the sweep which
// wrote the page last or, if `in_transition`, is writing it. Does not judge whether the page is
// wrong.
PageFinding ClassifyPage(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                         bool in_transition, const PageWords& found);

// True if `found` is a prefix of the contents of `generation` followed by a suffix of those of the
// one before. Sets `mixed` to whether it is neither wholly.
bool IsLegalTransition(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                       const PageWords& found, bool& mixed);

// "page 0x1f (gpa 0x41f000) stale by 1: byte 0x0 expected 0x7 found 0x6".
std::string FormatFinding(const PageFinding& finding);

}  // namespace tandem
