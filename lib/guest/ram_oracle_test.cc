// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/ram_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>

#include "lib/guest/reference_guest.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// 200 pages: ordinary 0-139, zero 140-159, incompressible 160-179, constant 180-199.
constexpr uint64_t kOrdinaryPage = 20;
constexpr uint64_t kZeroPage = 145;
constexpr uint64_t kIncompressiblePage = 165;
constexpr uint64_t kConstantPage = 190;
constexpr uint64_t kBandPages[] = {kOrdinaryPage, kZeroPage, kIncompressiblePage, kConstantPage};

TandemGuestOptions SmallOptions() {
  TandemGuestOptions options = TandemGuestDefaultOptions();
  options.page_count = 200;
  options.zero_share_percent = 10;
  options.incompressible_share_percent = 10;
  options.constant_share_percent = 10;
  return options;
}

ReferenceGuest GuestAt(uint64_t generation, uint64_t page, size_t stores) {
  ReferenceGuest guest(SmallOptions());
  guest.RunTo(generation, page, stores);
  return guest;
}

OracleReport Verify(ReferenceGuest& guest) {
  absl::StatusOr<OracleReport> report = VerifyGuestRam(guest, Deadline::After(absl::Seconds(10)));
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : OracleReport();
}

// The only finding of `report`; fails the test if there is not exactly one, on `page`, of `kind`.
PageFinding TheFinding(const OracleReport& report, uint64_t page, FindingKind kind) {
  EXPECT_FALSE(report.consistent());
  EXPECT_EQ(report.finding_count, 1u) << report.Summary();
  EXPECT_EQ(report.count(kind), 1u) << report.Summary();
  if (report.findings.empty()) return PageFinding();
  EXPECT_EQ(report.findings[0].kind, kind);
  EXPECT_EQ(report.findings[0].page, page);
  EXPECT_EQ(report.findings[0].gpa, ReferenceGuest::kRegion + page * 4096);
  return report.findings[0];
}

void CopyPage(ReferenceGuest& from, uint64_t from_page, ReferenceGuest& to, uint64_t to_page) {
  std::ranges::copy(from.page(from_page), to.page(to_page).begin());
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A guest stopped in the middle of any page, in any band, in early and later sweeps, is consistent.
TEST(RamOracleTest, AcceptsEveryStop) {
  for (const uint64_t generation : {0, 1, 2, 3, 8, 9}) {
    for (const uint64_t page : {uint64_t{0}, kOrdinaryPage, kZeroPage, kIncompressiblePage,
                                kConstantPage, uint64_t{199}}) {
      for (const size_t stores : {0, 1, 2, 3, 5, 6, 255, 256, 300, 511, 512}) {
        ReferenceGuest guest = GuestAt(generation, generation == 0 ? 0 : page, stores);
        const OracleReport report = Verify(guest);
        EXPECT_TRUE(report.consistent()) << report.Summary();
        EXPECT_EQ(report.generation, generation);
        EXPECT_EQ(report.pages_checked, 200u);
        EXPECT_EQ(report.bytes_checked, 200u * 4096);
      }
    }
  }
}

TEST(RamOracleTest, AcceptsRandomStopsOfOneRun) {
  std::mt19937_64 random(7);
  ReferenceGuest guest(SmallOptions());
  for (uint64_t position = 200; position < 8000; position += 1 + random() % 60) {
    guest.RunTo(position / 200, position % 200, random() % 513);
    const OracleReport report = Verify(guest);
    ASSERT_TRUE(report.consistent()) << report.Summary();
    ASSERT_EQ(report.position, position);
  }
}

// The guest stores the new generation a little before it moves the position into it.
TEST(RamOracleTest, AcceptsStopBetweenTwoSweeps) {
  ReferenceGuest guest = GuestAt(5, 199, 512);
  guest.state().generation = 6;
  EXPECT_TRUE(Verify(guest).consistent());
}

TEST(RamOracleTest, TellsWhichPageIsHalfWritten) {
  ReferenceGuest guest = GuestAt(5, kIncompressiblePage, 100);
  EXPECT_THAT(Verify(guest).pages_in_transition, ElementsAre(kIncompressiblePage));
  guest.RunTo(5, kIncompressiblePage, 512);
  EXPECT_THAT(Verify(guest).pages_in_transition, IsEmpty());
}

TEST(RamOracleTest, FindsZeroedPage) {
  for (const uint64_t page : kBandPages) {
    ReferenceGuest guest = GuestAt(7, 199, 512);
    std::ranges::fill(guest.page(page), 0);
    const PageFinding finding = TheFinding(Verify(guest), page, FindingKind::kZeroed);
    EXPECT_EQ(finding.stale_by, page == kZeroPage ? 1u : 0u);
    EXPECT_EQ(finding.byte_offset, 0u);
    EXPECT_EQ(finding.expected_word, page == kConstantPage ? 1u : 7u);
    EXPECT_EQ(finding.found_word, 0u);
  }
}

TEST(RamOracleTest, FindsStalePageAndCountsGenerations) {
  for (const uint64_t page : {kOrdinaryPage, kIncompressiblePage}) {
    for (const uint64_t lag : {1, 5, 256}) {
      ReferenceGuest guest = GuestAt(300, 199, 512);
      ReferenceGuest older = GuestAt(300 - lag, 199, 512);
      CopyPage(older, page, guest, page);
      const PageFinding finding = TheFinding(Verify(guest), page, FindingKind::kStale);
      EXPECT_EQ(finding.stale_by, lag);
      EXPECT_EQ(finding.expected_word ^ finding.found_word, 300 ^ (300 - lag));
    }
  }
}

// Data that should have become zero again: what a zero-page optimization gets wrong.
TEST(RamOracleTest, FindsDataLeftWhereZeroWasDue) {
  ReferenceGuest guest = GuestAt(8, 199, 512);
  ReferenceGuest older = GuestAt(7, 199, 512);
  for (uint64_t page = 140; page < 160; ++page) CopyPage(older, page, guest, page);
  const OracleReport report = Verify(guest);
  EXPECT_EQ(report.count(FindingKind::kStale), 20u);
  EXPECT_EQ(report.diagnosis,
            "20 pages stale by 1 generation (0x8c-0x9f, contiguous), all in the zero band: "
            "zero-page handling lost them "
            "[generation 8, at page 0xc7]");
}

// Pages above the position still belong to the sweep before; a stale one is stale from there.
TEST(RamOracleTest, FindsStalePageAheadOfPosition) {
  ReferenceGuest guest = GuestAt(9, 10, 3);
  ReferenceGuest older = GuestAt(6, 199, 512);
  CopyPage(older, kOrdinaryPage, guest, kOrdinaryPage);
  EXPECT_EQ(TheFinding(Verify(guest), kOrdinaryPage, FindingKind::kStale).stale_by, 2u);
}

TEST(RamOracleTest, FindsSwappedPages) {
  ReferenceGuest guest = GuestAt(4, 199, 512);
  std::ranges::swap_ranges(guest.page(20), guest.page(30));
  const OracleReport report = Verify(guest);
  EXPECT_EQ(report.finding_count, 2u);
  EXPECT_EQ(report.count(FindingKind::kSwapped), 2u);
  EXPECT_EQ(report.findings[0].swapped_with, 30u);
  EXPECT_EQ(report.findings[1].swapped_with, 20u);
  EXPECT_EQ(report.diagnosis, "pages 0x14 and 0x1e are swapped [generation 4, at page 0xc7]");
}

TEST(RamOracleTest, FindsPageWithContentsOfAnother) {
  ReferenceGuest guest = GuestAt(4, 199, 512);
  CopyPage(guest, kConstantPage, guest, kOrdinaryPage);
  EXPECT_EQ(TheFinding(Verify(guest), kOrdinaryPage, FindingKind::kSwapped).swapped_with,
            kConstantPage);
}

TEST(RamOracleTest, FindsTornPage) {
  for (const uint64_t page : {kOrdinaryPage, kIncompressiblePage}) {
    for (const uint64_t lag : {1, 5}) {
      ReferenceGuest guest = GuestAt(9, 199, 512);
      ReferenceGuest older = GuestAt(9 - lag, 199, 512);
      std::ranges::copy(older.page(page).subspan(128), guest.page(page).begin() + 128);
      const PageFinding finding = TheFinding(Verify(guest), page, FindingKind::kTorn);
      EXPECT_EQ(finding.byte_offset / 8, page == kOrdinaryPage ? 255u : 128u);
    }
  }
}

// One bit in body, head, middle and tail stamp of every band.
TEST(RamOracleTest, FindsSingleFlippedBit) {
  for (const uint64_t page : kBandPages) {
    for (const size_t word : {0, 1, 77, 255, 256, 400, 510, 511}) {
      ReferenceGuest guest = GuestAt(5, 199, 512);
      guest.page(page)[word] ^= uint64_t{1} << 19;
      const PageFinding finding = TheFinding(Verify(guest), page, FindingKind::kDamaged);
      EXPECT_EQ(finding.byte_offset, word * 8 + 2);
      EXPECT_EQ(finding.flipped_bit, 3);
      EXPECT_EQ(finding.expected_word ^ finding.found_word, uint64_t{1} << 19);
    }
  }
}

TEST(RamOracleTest, FindsBitInPageThatIsZero) {
  ReferenceGuest guest = GuestAt(6, 199, 512);
  guest.bytes(kZeroPage)[4095] = std::byte{0x80};
  const PageFinding finding = TheFinding(Verify(guest), kZeroPage, FindingKind::kDamaged);
  EXPECT_EQ(finding.byte_offset, 4095u);
  EXPECT_EQ(finding.flipped_bit, 7);
}

TEST(RamOracleTest, FindsZeroedMiddleOfPage) {
  for (const uint64_t page : {kOrdinaryPage, kIncompressiblePage, kConstantPage}) {
    ReferenceGuest guest = GuestAt(5, 199, 512);
    std::ranges::fill(guest.bytes(page).subspan(1024, 1024), std::byte{0});
    const OracleReport report = Verify(guest);
    const PageFinding finding = TheFinding(report, page, FindingKind::kDamaged);
    EXPECT_EQ(finding.byte_offset, 1024u);
    EXPECT_TRUE(finding.zero_filled);
    EXPECT_EQ(finding.span_bytes, 1024u);
    EXPECT_TRUE(Contains(report.diagnosis, "one page damaged at byte 0x400 (1024 bytes zeroed)"))
        << report.diagnosis;
  }
}

TEST(RamOracleTest, FindsDamageInPageInTransition) {
  for (const uint64_t page : kBandPages) {
    ReferenceGuest guest = GuestAt(5, page, 3);
    guest.page(page)[300] ^= 0x1100;
    const PageFinding finding = TheFinding(Verify(guest), page, FindingKind::kDamaged);
    EXPECT_TRUE(finding.in_transition);
    EXPECT_EQ(finding.byte_offset, 300u * 8 + 1);
  }
}

// In transition new words may not follow old ones.
TEST(RamOracleTest, FindsNewWordAfterOldOnes) {
  ReferenceGuest guest = GuestAt(5, kIncompressiblePage, 100);
  ReferenceGuest later = GuestAt(5, kIncompressiblePage, 512);
  guest.page(kIncompressiblePage)[200] = later.page(kIncompressiblePage)[200];
  const PageFinding finding = TheFinding(Verify(guest), kIncompressiblePage, FindingKind::kTorn);
  EXPECT_TRUE(finding.in_transition);
  EXPECT_EQ(finding.byte_offset / 8, 200u);
  EXPECT_EQ(finding.differing_words, 1u);
}

TEST(RamOracleTest, FindsStalePageInTransition) {
  ReferenceGuest guest = GuestAt(9, kOrdinaryPage, 0);
  ReferenceGuest older = GuestAt(6, 199, 512);
  CopyPage(older, kOrdinaryPage, guest, kOrdinaryPage);
  EXPECT_EQ(TheFinding(Verify(guest), kOrdinaryPage, FindingKind::kStale).stale_by, 2u);
}

// A stale state block makes the region look newer than it says, but for zero and constant pages.
TEST(RamOracleTest, NamesStaleStateBlock) {
  ReferenceGuest guest = GuestAt(9, 50, 3);
  ReferenceGuest older = GuestAt(6, 120, 0);
  guest.state() = older.state();
  const OracleReport report = Verify(guest);
  EXPECT_EQ(report.count(FindingKind::kAhead), 159u) << report.Summary();
  EXPECT_TRUE(
      Contains(report.diagnosis, "the state block is stale: 159 of 200 pages are ahead of it"))
      << report.diagnosis;
}

TEST(RamOracleTest, NamesContradictionsOfStateBlock) {
  const struct {
    void (*damage)(TandemGuestState&);
    const char* named;
  } cases[] = {
      {[](TandemGuestState& state) { state = {}; }, "magic is zero"},
      {[](TandemGuestState& state) { state.magic ^= 4; }, "magic is 0x472d4d45444e4150"},
      {[](TandemGuestState& state) { state.abi_version = 9; }, "abi_version is 0x9"},
      {[](TandemGuestState& state) { state.region_gpa = 0; }, "region_gpa is 0x0"},
      {[](TandemGuestState& state) { state.layout.page_count = ~0ull; },
       "page_count is 0xffffffffffffffff"},
      {[](TandemGuestState& state) { state.layout.ordinary_end = 3; }, "ordinary_end is 0x3"},
      {[](TandemGuestState& state) { state.option_words[1] = 3; }, "impossible pages"},
      {[](TandemGuestState& state) { state.generation = 77; }, "generation is 77"},
      {[](TandemGuestState& state) { state.device_generation = 2; }, "device_generation is 2"},
      {[](TandemGuestState& state) { state.in_register_window = 5; }, "in_register_window is 0x5"},
      {[](TandemGuestState& state) { state.error_count = 5; }, "the first error is of kind 0"},
  };
  for (const auto& [damage, named] : cases) {
    ReferenceGuest guest = GuestAt(5, 60, 3);
    damage(guest.state());
    const OracleReport report = Verify(guest);
    EXPECT_FALSE(report.consistent());
    EXPECT_TRUE(Contains(report.state_problem, named)) << report.Summary();
    EXPECT_TRUE(Contains(report.diagnosis, named)) << report.Summary();
  }
}

TEST(RamOracleTest, ReportsSelfCheckErrorOfGuest) {
  ReferenceGuest guest = GuestAt(5, 60, 3);
  guest.state().error_count = 3;
  guest.state().first_error = {TANDEM_GUEST_ERROR_REGISTER, 0x323172, 0, 0x10, 0x11, 4};
  const OracleReport report = Verify(guest);
  EXPECT_FALSE(report.consistent());
  EXPECT_EQ(report.finding_count, 0u);
  EXPECT_EQ(report.self_check_errors, 3u);
  EXPECT_EQ(report.diagnosis,
            "the guest's own checks failed 3 times, first: register r12 in generation 4: expected "
            "0x10, found 0x11 "
            "[generation 5, at page 0x3c]");
}

// A page that is only old is told from one that holds something else.
TEST(RamOracleTest, SaysHowOldAPageWasThatFailedACheck) {
  auto check = [](uint64_t word, uint64_t expected, uint64_t found) {
    return FormatSelfCheckError({TANDEM_GUEST_ERROR_PAGE, 0x40, word, expected, found, 10});
  };
  EXPECT_EQ(check(0, 9, 8),
            "page 0x40 word 0 in generation 10: expected 0x9, found 0x8, stale by 1 generation");
  EXPECT_TRUE(Contains(check(255, TandemGuestStamp(2, 0x40, 9), TandemGuestStamp(2, 0x40, 2)),
                       ", stale by 7 generations"));
  EXPECT_TRUE(Contains(check(511, TandemGuestStamp(5, 0x40, 9), TandemGuestStamp(5, 0x40, 8)),
                       ", stale by 1 generation"));
  EXPECT_FALSE(Contains(check(0, 9, 0), "stale"));        // zeroed
  EXPECT_FALSE(Contains(check(0, 9, 1000), "stale"));     // something else
  EXPECT_FALSE(Contains(check(1, 0x40, 0x3f), "stale"));  // another page
}

TEST(RamOracleTest, KeepsTenFindings) {
  ReferenceGuest guest = GuestAt(5, 199, 512);
  for (uint64_t page = 0; page < 24; page += 2) std::ranges::fill(guest.page(page), 0);
  const OracleReport report = Verify(guest);
  EXPECT_EQ(report.finding_count, 12u);
  EXPECT_EQ(report.findings.size(), OracleReport::kMaxFindings);
  EXPECT_TRUE(Contains(report.Summary(), "\nand 2 more pages"));
}

TEST(RamOracleTest, SummaryReads) {
  ReferenceGuest guest = GuestAt(5, 199, 512);
  ReferenceGuest older = GuestAt(4, 199, 512);
  for (const uint64_t page : {30, 31, 32, 40}) CopyPage(older, page, guest, page);
  guest.page(50)[300] ^= 8;
  EXPECT_EQ(
      Verify(guest).Summary(),
      "4 pages stale by 1 generation (in 2 contiguous runs, the longest 0x1e-0x20), all in the "
      "ordinary band; "
      "one page damaged at byte 0x960 (single bit 3 flipped), page 0x32, in the ordinary band "
      "[generation 5, at page 0xc7]\n"
      "page 0x1e (gpa 0x41e000) stale by 1: byte 0x0 expected 0x5 found 0x4\n"
      "page 0x1f (gpa 0x41f000) stale by 1: byte 0x0 expected 0x5 found 0x4\n"
      "page 0x20 (gpa 0x420000) stale by 1: byte 0x0 expected 0x5 found 0x4\n"
      "page 0x28 (gpa 0x428000) stale by 1: byte 0x0 expected 0x5 found 0x4\n"
      "page 0x32 (gpa 0x432000) damaged: byte 0x960 expected 0x2f1a00693abd9a9b found "
      "0x2f1a00693abd9a93");
}

TEST(RamOracleTest, PassesOnFailureToRead) {
  ReferenceGuest guest = GuestAt(1, 0, 0);
  EXPECT_EQ(VerifyGuestRam(guest, Deadline::After(absl::Seconds(10)), 0x40000000).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(GuestOptionsTest, SurvivePacking) {
  TandemGuestOptions options = SmallOptions();
  options.flags = TANDEM_GUEST_FLAG_NO_DEVICES;
  options.pause_ticks = 0xfedcba98;
  options.sweepers = 3;
  uint64_t words[2];
  TandemGuestPackOptions(&options, words);
  TandemGuestOptions unpacked;
  EXPECT_EQ(TandemGuestUnpackOptions(words, &unpacked), nullptr);
  EXPECT_EQ(unpacked.zero_share_percent, 10u);
  EXPECT_EQ(unpacked.incompressible_share_percent, 10u);
  EXPECT_EQ(unpacked.constant_share_percent, 10u);
  EXPECT_EQ(unpacked.flags, options.flags);
  EXPECT_EQ(unpacked.page_count, 200u);
  EXPECT_EQ(unpacked.pause_ticks, 0xfedcba98);
  EXPECT_EQ(unpacked.sweepers, 3u);
}

// Prints what the default region costs; how long is allowed is for a benchmark to judge.
TEST(RamOracleTest, VerifiesDefaultRegion) {
  ReferenceGuest guest(TandemGuestDefaultOptions());
  guest.RunTo(2, 12345, 3);
  const auto start = std::chrono::steady_clock::now();
  const OracleReport report = Verify(guest);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(report.consistent()) << report.Summary();
  EXPECT_EQ(report.bytes_checked, 100u << 20);
  std::printf("verified %llu MiB in %.1f ms\n",
              static_cast<unsigned long long>(report.bytes_checked >> 20), elapsed.count());
}

}  // namespace
}  // namespace tandem
