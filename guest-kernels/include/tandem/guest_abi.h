// SPDX-License-Identifier: Apache-2.0
//
// What a Tandem guest and the host that watches it agree on.
//
// The guest writes a pattern over a test region, page by page, sweep after sweep, and says in a
// state block how far it has come. The host reads the state block of a stopped machine and knows
// from it what every byte of the region must be. This header is the only definition of both, for
// the freestanding guest (C11) and for the oracle (C++20). All words are 64-bit, little-endian, at
// fixed offsets from the base of guest RAM.
//
// Position P = generation * page_count + i means, with g = P / page_count and i = P % page_count:
// pages below i hold generation g, page i is on its way from g-1 to g, pages above i hold g-1.
// Within a page words are written in ascending order, so a page on its way is a prefix of new words
// followed by a suffix of old ones. Generation 0 is memory that is all zero.
//
// Bands, by page index, in this order:
//   ordinary        body static, six stamp words rewritten in each sweep
//   zero            odd generations: full contents; even generations: all zero
//   incompressible  every word new in each sweep
//   constant        written in generation 1, never again
//
// Several processors may sweep, in step: each band is divided into slices, one for each, and nobody
// begins a generation before all have completed the one before. Each has a position of its own,
// which says of the pages of its slices what is said above of all.
#ifndef TANDEM_GUEST_ABI_H_
#define TANDEM_GUEST_ABI_H_

// Grows with every change of what follows.
#define TANDEM_GUEST_ABI_VERSION 4

// Base of guest RAM, by architecture; the next three are offsets from it.
#define TANDEM_GUEST_RAM_BASE_X86_64 0x0

#define TANDEM_GUEST_OPTIONS_OFFSET 0x100000  // two words, put there by -device loader
#define TANDEM_GUEST_STATE_OFFSET 0x101000    // struct TandemGuestState
#define TANDEM_GUEST_REGION_OFFSET 0x400000   // the test region

#define TANDEM_GUEST_PAGE_BYTES 4096      // a page of the pattern, whatever the processor's is
#define TANDEM_GUEST_PAGE_WORDS 512       // of 64 bits
#define TANDEM_GUEST_DEFAULT_PAGES 25600  // 100 MiB
#define TANDEM_GUEST_MIN_PAGES 16         // least that the options may ask for
#define TANDEM_GUEST_MAX_PAGES 0x7fc00    // the region ends at 2 GiB, below every PCI hole
#define TANDEM_GUEST_MAX_SWEEPERS 8       // processors that sweep

// Over the stamps in the middle. The masks are sign-extended 32-bit immediates: cheap for an
// assembly loop.
#define TANDEM_GUEST_MIDDLE_MASK 0xffffffffa5c3961dULL
// Over the stamps at the end.
#define TANDEM_GUEST_TAIL_MASK 0xffffffff9e4b72d3ULL
#define TANDEM_GUEST_MIDDLE_WORD 255  // the first of the two stamps in the middle of a page
#define TANDEM_GUEST_TAIL_WORD 510    // the first of the two at its end

#ifndef __ASSEMBLER__  // assembly files of the guest take the macros only

#include <stdint.h>

#ifdef __cplusplus
#define TANDEM_GUEST_INLINE inline
#define TANDEM_GUEST_CONST inline constexpr
#else
#define TANDEM_GUEST_INLINE static inline
#define TANDEM_GUEST_CONST static const
#endif

// "TANDEM-G" in memory.
TANDEM_GUEST_CONST uint64_t kTandemGuestStateMagic = 0x472d4d45444e4154ULL;
// "TANDEM-R", in the place of that while the guest clears the region after a reset.
TANDEM_GUEST_CONST uint64_t kTandemGuestRestartMagic = 0x522d4d45444e4154ULL;
// The lowest 16 bits of the first option word: "OG".
TANDEM_GUEST_CONST uint64_t kTandemGuestOptionsMagic = 0x474f;

// Leaves device registers alone: for machines without the devices of a PC (microvm).
#define TANDEM_GUEST_FLAG_NO_DEVICES 0x1
// Empties the translation buffer after every chunk of pages. QEMU before 9.0 under TCG does not
// notice writes to a page whose translation stays cached while dirty bits are collected, so a hot
// page such as the state block arrives stale. With this flag the rest of a scenario can be tested
// on such a QEMU; without it the guest shows the defect.
#define TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS 0x2
// Suspends the machine to RAM (ACPI S3) once, after TANDEM_GUEST_SUSPEND_SWEEPS sweeps, and goes on
// when it is woken. For the flavour that needs no firmware: one would take the waking for a reset.
#define TANDEM_GUEST_FLAG_SUSPEND 0x4
// Drives a failover pair of network devices as far as a migration needs it: takes the standby, so
// that QEMU plugs the primary, and lets go of the primary once in each sweep if it is asked to. Its
// account of it is struct TandemGuestFailover. For q35.
#define TANDEM_GUEST_FLAG_FAILOVER 0x8
// All of them: any other makes the options nonsense.
#define TANDEM_GUEST_KNOWN_FLAGS 0xf

#define TANDEM_GUEST_SUSPEND_SWEEPS 3  // before TANDEM_GUEST_FLAG_SUSPEND takes effect

// What the host may choose. Shares are percent of page_count; what they leave is the ordinary band.
struct TandemGuestOptions {
  uint32_t zero_share_percent;
  uint32_t incompressible_share_percent;
  uint32_t constant_share_percent;
  uint32_t flags;
  uint32_t page_count;
  uint32_t pause_ticks;  // rest after each sweep, in ticks of the guest's counter (x86: the TSC)
  uint32_t sweepers;     // processors that sweep, numbers 0 to sweepers - 1; 0 counts as 1
};

// What the guest takes when the host gives no options.
TANDEM_GUEST_INLINE struct TandemGuestOptions TandemGuestDefaultOptions(void) {
  struct TandemGuestOptions options;
  options.zero_share_percent = 2;
  options.incompressible_share_percent = 2;
  options.constant_share_percent = 5;
  options.flags = 0;
  options.page_count = TANDEM_GUEST_DEFAULT_PAGES;
  options.pause_ticks = 0;
  options.sweepers = 1;
  return options;
}

// How many processors sweep.
TANDEM_GUEST_INLINE uint32_t TandemGuestSweepers(const struct TandemGuestOptions* options) {
  return options->sweepers == 0 ? 1 : options->sweepers;
}

// Returns null if the options make sense, else what is wrong with them.
TANDEM_GUEST_INLINE const char* TandemGuestOptionsProblem(
    const struct TandemGuestOptions* options) {
  if (options->zero_share_percent > 100 || options->incompressible_share_percent > 100 ||
      options->constant_share_percent > 100 ||
      options->zero_share_percent + options->incompressible_share_percent +
              options->constant_share_percent >
          100) {
    return "shares";
  }
  if (options->flags & ~(uint32_t)TANDEM_GUEST_KNOWN_FLAGS) return "flags";
  if (options->page_count < TANDEM_GUEST_MIN_PAGES || options->page_count > TANDEM_GUEST_MAX_PAGES)
    return "pages";
  // One band at least has so many pages that each sweeper gets some.
  if (options->sweepers > TANDEM_GUEST_MAX_SWEEPERS || options->page_count < 4 * options->sweepers)
    return "sweepers";
  return (const char*)0;
}

// Packs valid options into the two words for -device loader at TANDEM_GUEST_OPTIONS_OFFSET and 8
// bytes on.
TANDEM_GUEST_INLINE void TandemGuestPackOptions(const struct TandemGuestOptions* options,
                                                uint64_t words[2]) {
  words[0] = kTandemGuestOptionsMagic | (uint64_t)TANDEM_GUEST_ABI_VERSION << 16 |
             (uint64_t)options->zero_share_percent << 24 |
             (uint64_t)options->incompressible_share_percent << 32 |
             (uint64_t)options->constant_share_percent << 40 | (uint64_t)options->flags << 48;
  words[1] = options->page_count | (uint64_t)(TandemGuestSweepers(options) - 1) << 24 |
             (uint64_t)options->pause_ticks << 32;
}

// Unpacks the two words; a zero first word means the defaults. Returns null, or what is wrong with
// them.
TANDEM_GUEST_INLINE const char* TandemGuestUnpackOptions(const uint64_t words[2],
                                                         struct TandemGuestOptions* options) {
  *options = TandemGuestDefaultOptions();
  if (words[0] == 0) return (const char*)0;
  if ((words[0] & 0xffff) != kTandemGuestOptionsMagic) return "magic";
  if ((words[0] >> 16 & 0xff) != TANDEM_GUEST_ABI_VERSION) return "version";
  options->zero_share_percent = words[0] >> 24 & 0xff;
  options->incompressible_share_percent = words[0] >> 32 & 0xff;
  options->constant_share_percent = words[0] >> 40 & 0xff;
  options->flags = words[0] >> 48 & 0xffff;
  options->page_count = (uint32_t)words[1] & 0xffffff;
  options->sweepers = (uint32_t)(words[1] >> 24 & 0xff) + 1;
  options->pause_ticks = (uint32_t)(words[1] >> 32);
  return TandemGuestOptionsProblem(options);
}

// Where the bands lie: [0, ordinary_end) ordinary, [ordinary_end, zero_end) zero,
// [zero_end, incompressible_end) incompressible, [incompressible_end, page_count) constant.
struct TandemGuestLayout {
  uint64_t page_count;
  uint64_t ordinary_end;
  uint64_t zero_end;
  uint64_t incompressible_end;
};

// How a page is written; the top of the file says what each means.
enum TandemGuestBand {
  TANDEM_GUEST_BAND_ORDINARY,
  TANDEM_GUEST_BAND_ZERO,
  TANDEM_GUEST_BAND_INCOMPRESSIBLE,
  TANDEM_GUEST_BAND_CONSTANT,
};

// The layout that valid options give.
TANDEM_GUEST_INLINE struct TandemGuestLayout TandemGuestLayoutOf(
    const struct TandemGuestOptions* options) {
  struct TandemGuestLayout layout;
  const uint64_t pages = options->page_count;
  layout.page_count = pages;
  layout.incompressible_end = pages - pages * options->constant_share_percent / 100;
  layout.zero_end = layout.incompressible_end - pages * options->incompressible_share_percent / 100;
  layout.ordinary_end = layout.zero_end - pages * options->zero_share_percent / 100;
  return layout;
}

// The band in which a page lies.
TANDEM_GUEST_INLINE enum TandemGuestBand TandemGuestBandOf(const struct TandemGuestLayout* layout,
                                                           uint64_t page) {
  if (page < layout->ordinary_end) return TANDEM_GUEST_BAND_ORDINARY;
  if (page < layout->zero_end) return TANDEM_GUEST_BAND_ZERO;
  if (page < layout->incompressible_end) return TANDEM_GUEST_BAND_INCOMPRESSIBLE;
  return TANDEM_GUEST_BAND_CONSTANT;
}

// The pages [first, end).
struct TandemGuestPages {
  uint64_t first;
  uint64_t end;
};

// Those of a band.
TANDEM_GUEST_INLINE struct TandemGuestPages TandemGuestBandPages(
    const struct TandemGuestLayout* layout, enum TandemGuestBand band) {
  const uint64_t limits[] = {0, layout->ordinary_end, layout->zero_end, layout->incompressible_end,
                             layout->page_count};
  const struct TandemGuestPages pages = {limits[band], limits[band + 1]};
  return pages;
}

// Those of a band that `sweeper` of `sweepers` sweeps; may be none.
TANDEM_GUEST_INLINE struct TandemGuestPages TandemGuestSlice(const struct TandemGuestLayout* layout,
                                                             enum TandemGuestBand band,
                                                             uint64_t sweeper, uint64_t sweepers) {
  const struct TandemGuestPages all = TandemGuestBandPages(layout, band);
  const uint64_t count = all.end - all.first;
  const struct TandemGuestPages slice = {all.first + count * sweeper / sweepers,
                                         all.first + count * (sweeper + 1) / sweepers};
  return slice;
}

// Which of the sweepers a page belongs to.
TANDEM_GUEST_INLINE uint64_t TandemGuestSweeperOf(const struct TandemGuestLayout* layout,
                                                  uint64_t sweepers, uint64_t page) {
  const enum TandemGuestBand band = TandemGuestBandOf(layout, page);
  uint64_t sweeper = 0;
  while (page >= TandemGuestSlice(layout, band, sweeper, sweepers).end) ++sweeper;
  return sweeper;
}

// Where the position of a sweeper ends a sweep: the last page of its last slice.
TANDEM_GUEST_INLINE uint64_t TandemGuestLastPage(const struct TandemGuestLayout* layout,
                                                 uint64_t sweeper, uint64_t sweepers) {
  uint64_t last = 0;
  for (int band = TANDEM_GUEST_BAND_ORDINARY; band <= TANDEM_GUEST_BAND_CONSTANT; ++band) {
    const struct TandemGuestPages slice =
        TandemGuestSlice(layout, (enum TandemGuestBand)band, sweeper, sweepers);
    if (slice.first < slice.end) last = slice.end - 1;
  }
  return last;
}

// Spreads every bit of `value` over the whole word.
TANDEM_GUEST_INLINE uint64_t TandemGuestMix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

// From one body word to the next.
TANDEM_GUEST_CONST uint64_t kTandemGuestBodyStep = 0xd6e8feb86659fd93ULL;
// Body word k of a page is TandemGuestBodyStart(page) + k * kTandemGuestBodyStep.
TANDEM_GUEST_INLINE uint64_t TandemGuestBodyStart(uint64_t page) {
  return page * 0x9fb21c651e98df25ULL + 0x2545f4914f6cdd1dULL;
}

// From one noise word to the next, before TandemGuestNoise.
TANDEM_GUEST_CONST uint64_t kTandemGuestNoiseStep = 0x9e3779b97f4a7c15ULL;
// Noise word k of a page is TandemGuestNoise(TandemGuestNoiseStart(page, generation) + k *
// kTandemGuestNoiseStep).
TANDEM_GUEST_INLINE uint64_t TandemGuestNoiseStart(uint64_t page, uint64_t generation) {
  return TandemGuestMix(page * 0x9fb21c651e98df25ULL + generation * 0xc2b2ae3d27d4eb4fULL);
}
// Makes a word that no compressor shortens.
TANDEM_GUEST_INLINE uint64_t TandemGuestNoise(uint64_t value) {
  value = (value ^ (value >> 32)) * 0xbf58476d1ce4e5b9ULL;
  return value ^ (value >> 29);
}

// The six stamp words lie over body and noise: {g, p} in words 0 and 1, {g ^ M, p ^ M} in words 255
// and 256, {p ^ T, g ^ T} in words 510 and 511.
#define TANDEM_GUEST_STAMPS 6
// Which word of the page stamp 0 to 5 is, in ascending order.
TANDEM_GUEST_INLINE uint32_t TandemGuestStampWordIndex(uint32_t stamp) {
  return stamp < 2   ? stamp
         : stamp < 4 ? TANDEM_GUEST_MIDDLE_WORD + stamp - 2
                     : TANDEM_GUEST_TAIL_WORD + stamp - 4;
}
// The value of stamp 0 to 5.
TANDEM_GUEST_INLINE uint64_t TandemGuestStamp(uint32_t stamp, uint64_t page, uint64_t generation) {
  switch (stamp) {
    case 0:
      return generation;
    case 1:
      return page;
    case 2:
      return generation ^ TANDEM_GUEST_MIDDLE_MASK;
    case 3:
      return page ^ TANDEM_GUEST_MIDDLE_MASK;
    case 4:
      return page ^ TANDEM_GUEST_TAIL_MASK;
    default:
      return generation ^ TANDEM_GUEST_TAIL_MASK;
  }
}

// The generation whose contents a page has after sweep `generation`: that one, or 1 in the constant
// band.
TANDEM_GUEST_INLINE uint64_t TandemGuestContentGeneration(enum TandemGuestBand band,
                                                          uint64_t generation) {
  return band == TANDEM_GUEST_BAND_CONSTANT && generation > 1 ? 1 : generation;
}

// True if a page of `band` is all zero after sweep `generation`.
TANDEM_GUEST_INLINE int TandemGuestIsZero(enum TandemGuestBand band, uint64_t generation) {
  return generation == 0 || (band == TANDEM_GUEST_BAND_ZERO && generation % 2 == 0);
}

// What a self-check of the guest was about. The console names them by the words in the comments.
enum TandemGuestErrorKind {
  TANDEM_GUEST_ERROR_NONE = 0,
  TANDEM_GUEST_ERROR_PAGE = 1,      // page: id is the page index, detail the word in it
  TANDEM_GUEST_ERROR_REGISTER = 2,  // register: lost while the guest was stopped or migrated
  TANDEM_GUEST_ERROR_SYSTEM = 3,    // system: MSR, control or debug register
  TANDEM_GUEST_ERROR_DEVICE = 4,    // device: register of a device read back other than it was set
  TANDEM_GUEST_ERROR_TIME = 5,      // time: the counter went backwards
  TANDEM_GUEST_ERROR_OPTIONS = 6,   // options: nonsense; the guest halts
  TANDEM_GUEST_ERROR_EXCEPTION =
      7,  // exception: expected is the error code, found the instruction pointer
  TANDEM_GUEST_ERROR_RESTART = 8,  // restart: the machine was reset under a running guest
  TANDEM_GUEST_ERROR_STATE =
      9,  // state: a word of the state block itself is not what was last stored
};

// In all kinds but page, id is a name of up to eight ASCII characters, the first in the lowest byte
// ("r12", "xmm3.hi", "pit.mode"), so that neither side needs a table of names.
struct TandemGuestError {
  uint64_t kind;
  uint64_t id;
  uint64_t detail;
  uint64_t expected;
  uint64_t found;
  uint64_t generation;
  uint64_t processor;  // that found it
};

// Where a guest with TANDEM_GUEST_FLAG_SUSPEND stands.
enum TandemGuestSleep {
  TANDEM_GUEST_AWAKE = 0,
  TANDEM_GUEST_ASLEEP = 1,
  TANDEM_GUEST_AWAKE_AGAIN = 2,
};

// What a processor besides the first says of itself.
struct TandemGuestSweeper {
  uint64_t position;            // in its slices; see the top
  uint64_t completed;           // the last generation that it has completed
  uint64_t in_register_window;  // as below
};

// Of a guest with TANDEM_GUEST_FLAG_FAILOVER, as of its last look, at the start of a sweep.
struct TandemGuestFailover {
  uint64_t standby;    // 1 once it has taken the standby
  uint64_t primaries;  // devices that it sees in hot-plug slots
  uint64_t let_go;     // how often it let go of one, since the start
  uint64_t hold;       // written by the host: while it is not 0, the guest lets go of nothing
};

// What the guest says of itself, at TANDEM_GUEST_STATE_OFFSET.
struct TandemGuestState {
  uint64_t magic;        // kTandemGuestStateMagic, written last at start-up
  uint64_t abi_version;  // TANDEM_GUEST_ABI_VERSION
  uint64_t position;     // of processor 0: see the top; written before the first word of each page;
                         // never decreases
  uint64_t generation;   // of the sweep under way; written just before position enters that sweep
  uint64_t in_register_window;  // 1 while all general and vector registers hold values that will be
                                // checked
  uint64_t last_tick;           // the counter, read once a sweep
  uint64_t device_generation;   // the generation to which device and system registers were set last
  uint64_t error_count;         // failed self-checks since the start; never reset
  struct TandemGuestError first_error;  // sticky; valid if error_count > 0
  uint64_t console_dropped;             // characters given up because the UART stayed busy
  uint64_t region_gpa;                  // from here on constant after start-up
  uint64_t option_words[2];             // as the guest read them; both zero: defaults
  struct TandemGuestLayout layout;
  uint64_t sleep;                                                   // enum TandemGuestSleep
  struct TandemGuestSweeper others[TANDEM_GUEST_MAX_SWEEPERS - 1];  // of processor 1 on
  struct TandemGuestFailover failover;
};

#undef TANDEM_GUEST_CONST
#undef TANDEM_GUEST_INLINE

#endif  // __ASSEMBLER__

#endif  // TANDEM_GUEST_ABI_H_
