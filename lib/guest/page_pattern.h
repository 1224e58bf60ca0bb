// SPDX-License-Identifier: Apache-2.0
// The contents that the guest gives its pages, a page at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tandem/guest_abi.h"

namespace tandem {

// The 512 words of a page, little-endian in memory as on the host.
using PageWords = std::array<uint64_t, TANDEM_GUEST_PAGE_WORDS>;

// Fills `words` with what `page` of `band` holds once it was written in sweep `generation`; 0 gives
// zeros. In the constant band the caller maps the sweep with TandemGuestContentGeneration.
void BuildPage(TandemGuestBand band, uint64_t page, uint64_t generation, PageWords& words);

// The same for the band in which `page` lies, after sweep `generation`.
void BuildPageAfterSweep(const TandemGuestLayout& layout, uint64_t page, uint64_t generation,
                         PageWords& words);

// "ordinary", "zero", "incompressible", "constant".
std::string_view BandName(TandemGuestBand band);

}  // namespace tandem
