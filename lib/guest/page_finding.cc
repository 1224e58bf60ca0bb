// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/page_finding.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <bit>
#include <vector>

namespace tandem {
namespace {

bool IsAllZero(const PageWords& words) {
  return std::all_of(words.begin(), words.end(), [](uint64_t word) { return word == 0; });
}

// The facts about one page from which the classification is made.
struct Suspect {
  const TandemGuestLayout& layout;
  const PageWords& found;
  uint64_t page;
  TandemGuestBand band;
  uint64_t generation;  // newest that the page may hold
  bool in_transition;
  PageWords newest;   // contents of `generation`
  PageWords oldest;   // in transition those of the generation before, else the same as `newest`
  PageWords nearest;  // word by word the legal one, or the one of the two that is closer

  uint64_t oldest_generation() const { return in_transition ? generation - 1 : generation; }
};

Suspect MakeSuspect(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                    bool in_transition, const PageWords& found) {
  const TandemGuestBand band = TandemGuestBandOf(&layout, page);
  Suspect suspect{layout, found, page, band, generation, in_transition && generation > 0,
                  {},     {},    {}};
  BuildPageAfterSweep(layout, page, generation, suspect.newest);
  BuildPageAfterSweep(layout, page, suspect.oldest_generation(), suspect.oldest);
  for (size_t k = 0; k < found.size(); ++k) {
    const bool old_is_closer =
        std::popcount(found[k] ^ suspect.oldest[k]) < std::popcount(found[k] ^ suspect.newest[k]);
    suspect.nearest[k] = old_is_closer ? suspect.oldest[k] : suspect.newest[k];
  }
  return suspect;
}

// The generations that the three stamps of a page claim.
std::array<uint64_t, 3> ClaimedGenerations(const PageWords& words) {
  return {words[0], words[TANDEM_GUEST_MIDDLE_WORD] ^ TANDEM_GUEST_MIDDLE_MASK,
          words[TANDEM_GUEST_TAIL_WORD + 1] ^ TANDEM_GUEST_TAIL_MASK};
}

// Fills in offset, words and extent of the words for which `is_wrong(k)`, compared with `expected`.
template <typename IsWrong>
void Measure(const PageWords& found, const PageWords& expected, IsWrong is_wrong,
             PageFinding& finding) {
  size_t first = found.size();
  size_t last = 0;
  finding.zero_filled = true;
  for (size_t k = 0; k < found.size(); ++k) {
    if (!is_wrong(k)) continue;
    first = std::min(first, k);
    last = k;
    ++finding.differing_words;
    finding.zero_filled = finding.zero_filled && found[k] == 0;
  }
  if (finding.differing_words == 0) {
    finding.zero_filled = false;
    return;
  }
  const uint64_t difference = found[first] ^ expected[first];
  const int bit = difference == 0 ? 0 : std::countr_zero(difference);
  finding.byte_offset = static_cast<uint32_t>(first * 8 + bit / 8);
  finding.expected_word = expected[first];
  finding.found_word = found[first];
  finding.span_bytes = static_cast<uint32_t>((last - first + 1) * 8);
  if (finding.differing_words == 1 && std::has_single_bit(difference))
    finding.flipped_bit = bit % 8;
}

bool ClassifyZeroed(const Suspect& suspect, PageFinding& finding) {
  if (!IsAllZero(suspect.found)) return false;
  finding.kind = FindingKind::kZeroed;
  const uint64_t before = suspect.oldest_generation();
  finding.stale_by = before > 0 && TandemGuestIsZero(suspect.band, before - 1) ? 1 : 0;
  return true;
}

// The whole page as one other generation left it.
bool ClassifyStale(const Suspect& suspect, PageFinding& finding) {
  const uint64_t claimed = suspect.found[0];
  PageWords candidate;
  BuildPage(suspect.band, suspect.page, claimed, candidate);
  if (candidate != suspect.found) return false;
  const bool ahead = claimed > suspect.generation;
  finding.kind = ahead ? FindingKind::kAhead : FindingKind::kStale;
  finding.stale_by = ahead ? claimed - suspect.generation : suspect.oldest_generation() - claimed;
  return true;
}

bool ClassifySwapped(const Suspect& suspect, PageFinding& finding) {
  const uint64_t claimed = suspect.found[1];
  if (claimed >= suspect.layout.page_count || claimed == suspect.page) return false;
  PageWords candidate;
  BuildPage(TandemGuestBandOf(&suspect.layout, claimed), claimed, suspect.found[0], candidate);
  if (candidate != suspect.found) return false;
  finding.kind = FindingKind::kSwapped;
  finding.swapped_with = claimed;
  return true;
}

// Generations that a torn page may be made of: the legal ones, the one before, and those that its
// stamps claim unless absurd.
std::vector<PageWords> TornCandidates(const Suspect& suspect) {
  std::vector<PageWords> candidates = {suspect.newest, suspect.oldest};
  const auto add = [&](uint64_t generation) {
    BuildPage(suspect.band, suspect.page, generation, candidates.emplace_back());
  };
  const uint64_t before = suspect.oldest_generation();
  if (before > 1 || suspect.band == TANDEM_GUEST_BAND_ZERO) {
    add(TandemGuestContentGeneration(suspect.band, before == 0 ? 0 : before - 1));
  }
  for (const uint64_t claimed : ClaimedGenerations(suspect.found)) {
    if (claimed > 0 && claimed <= suspect.generation + 1) add(claimed);
  }
  return candidates;
}

// The new words after the first old one, in a page in transition whose words are all legal.
void MeasureDisorder(const Suspect& suspect, PageFinding& finding) {
  const PageWords& found = suspect.found;
  const size_t turn =
      std::mismatch(found.begin(), found.end(), suspect.newest.begin()).first - found.begin();
  const auto is_late = [&](size_t k) { return k > turn && found[k] != suspect.oldest[k]; };
  Measure(found, suspect.oldest, is_late, finding);
}

// Every word belongs to some generation of this page. A lone wrong bit in a stamp may look so too:
// it counts as damage unless it makes the generation just before.
bool ClassifyTorn(const Suspect& suspect, PageFinding& finding) {
  const PageWords& found = suspect.found;
  const std::vector<PageWords> candidates = TornCandidates(suspect);
  for (size_t k = 0; k < found.size(); ++k) {
    const bool known =
        std::any_of(candidates.begin(), candidates.end(),
                    [&](const PageWords& candidate) { return candidate[k] == found[k]; });
    if (!known) return false;
  }
  if (finding.flipped_bit) {
    PageWords before;
    BuildPageAfterSweep(suspect.layout, suspect.page,
                        std::max<uint64_t>(suspect.oldest_generation(), 1) - 1, before);
    if (before[finding.byte_offset / 8] != finding.found_word) return false;
  }
  finding.kind = FindingKind::kTorn;
  if (finding.differing_words == 0) MeasureDisorder(suspect, finding);
  return true;
}

}  // namespace

std::string_view FindingKindName(FindingKind kind) {
  switch (kind) {
    case FindingKind::kZeroed:
      return "zeroed";
    case FindingKind::kStale:
      return "stale";
    case FindingKind::kAhead:
      return "ahead";
    case FindingKind::kSwapped:
      return "swapped";
    case FindingKind::kTorn:
      return "torn";
    case FindingKind::kDamaged:
      return "damaged";
  }
  return "unknown";
}

PageFinding ClassifyPage(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                         bool in_transition, const PageWords& found) {
  const Suspect suspect = MakeSuspect(layout, page, generation, in_transition, found);
  PageFinding finding;
  finding.page = page;
  finding.band = suspect.band;
  finding.in_transition = suspect.in_transition;
  Measure(
      found, suspect.nearest, [&](size_t k) { return found[k] != suspect.nearest[k]; }, finding);
  const bool has_other_origin = ClassifyZeroed(suspect, finding) ||
                                ClassifyStale(suspect, finding) ||
                                ClassifySwapped(suspect, finding) || ClassifyTorn(suspect, finding);
  if (has_other_origin) finding.flipped_bit.reset();
  return finding;
}

bool IsLegalTransition(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                       const PageWords& found, bool& mixed) {
  PageWords newest;
  PageWords oldest;
  BuildPageAfterSweep(layout, page, generation, newest);
  BuildPageAfterSweep(layout, page, generation == 0 ? 0 : generation - 1, oldest);
  const auto turn = std::mismatch(found.begin(), found.end(), newest.begin()).first - found.begin();
  mixed = found != newest && found != oldest;
  return std::equal(found.begin() + turn, found.end(), oldest.begin() + turn);
}

std::string FormatFinding(const PageFinding& finding) {
  std::string what(FindingKindName(finding.kind));
  switch (finding.kind) {
    case FindingKind::kZeroed:
      if (finding.stale_by == 1) what += " or stale by 1";
      break;
    case FindingKind::kStale:
    case FindingKind::kAhead:
      what += fmt::format(" by {}", finding.stale_by);
      break;
    case FindingKind::kSwapped:
      what = fmt::format("holds page {:#x}", finding.swapped_with);
      break;
    case FindingKind::kTorn:
    case FindingKind::kDamaged:
      if (finding.in_transition) what += " in transition";
      break;
  }
  return fmt::format("page {:#x} (gpa {:#x}) {}: byte {:#x} expected {:#x} found {:#x}",
                     finding.page, finding.gpa, what, finding.byte_offset, finding.expected_word,
                     finding.found_word);
}

}  // namespace tandem
