// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/page_pattern.h"

namespace tandem {

void BuildPage(TandemGuestBand band, uint64_t page, uint64_t generation, PageWords& words) {
  if (TandemGuestIsZero(band, generation)) {
    words.fill(0);
    return;
  }
  if (band == TANDEM_GUEST_BAND_INCOMPRESSIBLE) {
    const uint64_t start = TandemGuestNoiseStart(page, generation);
    for (uint64_t k = 0; k < words.size(); ++k)
      words[k] = TandemGuestNoise(start + k * kTandemGuestNoiseStep);
  } else {
    const uint64_t start = TandemGuestBodyStart(page);
    for (uint64_t k = 0; k < words.size(); ++k) words[k] = start + k * kTandemGuestBodyStep;
  }
  for (uint32_t stamp = 0; stamp < TANDEM_GUEST_STAMPS; ++stamp) {
    words[TandemGuestStampWordIndex(stamp)] = TandemGuestStamp(stamp, page, generation);
  }
}

void BuildPageAfterSweep(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                         PageWords& words) {
  const TandemGuestBand band = TandemGuestBandOf(&layout, page);
  BuildPage(band, page, TandemGuestContentGeneration(band, generation), words);
}

std::string_view BandName(TandemGuestBand band) {
  switch (band) {
    case TANDEM_GUEST_BAND_ORDINARY:
      return "ordinary";
    case TANDEM_GUEST_BAND_ZERO:
      return "zero";
    case TANDEM_GUEST_BAND_INCOMPRESSIBLE:
      return "incompressible";
    case TANDEM_GUEST_BAND_CONSTANT:
      return "constant";
  }
  return "unknown";
}

}  // namespace tandem
