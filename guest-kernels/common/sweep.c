// SPDX-License-Identifier: Apache-2.0
//
// One sweep: each page is checked against the generation before, then given the new one. Without
// the check a guest that runs on after a migration would wipe out a stale page before the host ever
// looks.
#include "guest.h"

enum {
  kChunkPages = 256
};  // registers are verified this often within a sweep of the ordinary band

static void EnterPage(uint64_t page, uint64_t generation) {
  *OwnPosition() = generation * layout.page_count + page;
}

// What this processor sweeps of a band.
static struct TandemGuestPages Slice(enum TandemGuestBand band) {
  return TandemGuestSlice(&layout, band, TandemArchProcessor(), options.sweepers);
}

// Reports the first wrong word of the six.
static void CheckStamps(uint64_t page, uint64_t generation) {
  const volatile uint64_t* words = PageAt(page);
  for (uint32_t stamp = 0; stamp < TANDEM_GUEST_STAMPS; ++stamp) {
    const uint32_t word = TandemGuestStampWordIndex(stamp);
    const uint64_t expected = TandemGuestStamp(stamp, page, generation);
    const uint64_t found = words[word];
    if (found != expected) {
      ReportPage(page, word, expected, found);
      return;
    }
  }
}

static void CheckZero(uint64_t page) {
  const volatile uint64_t* words = PageAt(page);
  for (uint64_t k = 0; k < TANDEM_GUEST_PAGE_WORDS; k += 8) {
    const uint64_t any = words[k] | words[k + 1] | words[k + 2] | words[k + 3] | words[k + 4] |
                         words[k + 5] | words[k + 6] | words[k + 7];
    if (!any) continue;
    while (!words[k]) ++k;
    ReportPage(page, k, 0, words[k]);
    return;
  }
}

static void CheckPage(enum TandemGuestBand band, uint64_t page, uint64_t generation) {
  if (TandemGuestIsZero(band, generation)) {
    CheckZero(page);
  } else {
    CheckStamps(page, TandemGuestContentGeneration(band, generation));
  }
}

static void WriteStamp(uint32_t stamp, uint64_t page, uint64_t generation) {
  PageAt(page)[TandemGuestStampWordIndex(stamp)] = TandemGuestStamp(stamp, page, generation);
}

static void WriteStamps(uint64_t page, uint64_t generation) {
  for (uint32_t stamp = 0; stamp < TANDEM_GUEST_STAMPS; ++stamp)
    WriteStamp(stamp, page, generation);
}

static void WriteBodyRange(uint64_t page, uint64_t first, uint64_t end) {
  volatile uint64_t* words = PageAt(page);
  uint64_t value = TandemGuestBodyStart(page) + first * kTandemGuestBodyStep;
  for (uint64_t k = first; k < end; ++k, value += kTandemGuestBodyStep) words[k] = value;
}

static void WriteNoiseRange(uint64_t page, uint64_t generation, uint64_t first, uint64_t end) {
  volatile uint64_t* words = PageAt(page);
  uint64_t value = TandemGuestNoiseStart(page, generation) + first * kTandemGuestNoiseStep;
  for (uint64_t k = first; k < end; ++k, value += kTandemGuestNoiseStep)
    words[k] = TandemGuestNoise(value);
}

static void WriteZero(uint64_t page) {
  volatile uint64_t* words = PageAt(page);
  for (uint64_t k = 0; k < TANDEM_GUEST_PAGE_WORDS; k += 8) {
    words[k] = 0;
    words[k + 1] = 0;
    words[k + 2] = 0;
    words[k + 3] = 0;
    words[k + 4] = 0;
    words[k + 5] = 0;
    words[k + 6] = 0;
    words[k + 7] = 0;
  }
}

static void WriteRange(enum TandemGuestBand band, uint64_t page, uint64_t generation,
                       uint64_t first, uint64_t end) {
  if (band == TANDEM_GUEST_BAND_INCOMPRESSIBLE) {
    WriteNoiseRange(page, generation, first, end);
  } else {
    WriteBodyRange(page, first, end);
  }
}

// Writes all words in ascending order, as the position promises.
static void WritePage(enum TandemGuestBand band, uint64_t page, uint64_t generation) {
  if (TandemGuestIsZero(band, generation)) {
    WriteZero(page);
    return;
  }
  WriteStamp(0, page, generation);
  WriteStamp(1, page, generation);
  WriteRange(band, page, generation, 2, TANDEM_GUEST_MIDDLE_WORD);
  WriteStamp(2, page, generation);
  WriteStamp(3, page, generation);
  WriteRange(band, page, generation, TANDEM_GUEST_MIDDLE_WORD + 2, TANDEM_GUEST_TAIL_WORD);
  WriteStamp(4, page, generation);
  WriteStamp(5, page, generation);
}

static void EndChunk(void) {
  if (options.flags & TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS) TandemArchFlushTranslations();
}

// Checks and writes whole pages: everything in generation 1, the two changing bands later.
static void SweepPages(enum TandemGuestBand band, uint64_t generation) {
  const struct TandemGuestPages slice = Slice(band);
  for (uint64_t page = slice.first; page < slice.end; ++page) {
    EnterPage(page, generation);
    CheckPage(band, page, generation - 1);
    WritePage(band, page, generation);
    if (page % kChunkPages == kChunkPages - 1) EndChunk();
  }
}

static void SweepOrdinary(uint64_t generation) {
  const struct TandemGuestPages slice = Slice(TANDEM_GUEST_BAND_ORDINARY);
  uint64_t page = slice.first;
  while (page < slice.end) {
    uint64_t end = page + kChunkPages;
    if (end > slice.end) end = slice.end;
    page = TandemArchSweepStamps(page, end, generation);
    if (page < end) {
      CheckStamps(page, generation - 1);
      WriteStamps(page, generation);
      ++page;
    }
    EndChunk();
  }
}

static void SweepConstant(uint64_t generation) {
  const struct TandemGuestPages slice = Slice(TANDEM_GUEST_BAND_CONSTANT);
  for (uint64_t page = slice.first; page < slice.end; ++page) {
    EnterPage(page, generation);
    CheckStamps(page, 1);
  }
}

void Sweep(uint64_t generation) {
  if (generation == 1) {
    SweepPages(TANDEM_GUEST_BAND_ORDINARY, generation);
  } else {
    SweepOrdinary(generation);
  }
  SweepPages(TANDEM_GUEST_BAND_ZERO, generation);
  SweepPages(TANDEM_GUEST_BAND_INCOMPRESSIBLE, generation);
  if (generation == 1) {
    SweepPages(TANDEM_GUEST_BAND_CONSTANT, generation);
  } else {
    SweepConstant(generation);
  }
}

void CheckOwnPosition(uint64_t generation) {
  const uint64_t last = TandemGuestLastPage(&layout, TandemArchProcessor(), options.sweepers);
  const uint64_t expected = generation == 0 ? 0 : generation * layout.page_count + last;
  CheckNamed(TANDEM_GUEST_ERROR_STATE, "position", expected, *OwnPosition());
}
