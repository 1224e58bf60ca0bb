// SPDX-License-Identifier: Apache-2.0
// The pattern, the oracle and its messages where several processors sweep.
#include "lib/guest/sweeper_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "lib/guest/ram_oracle.h"
#include "lib/guest/reference_guest.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kSweepers = 4;

TandemGuestOptions Options(uint32_t page_count, uint32_t sweepers) {
  TandemGuestOptions options = TandemGuestDefaultOptions();
  options.page_count = page_count;
  options.zero_share_percent = 10;
  options.incompressible_share_percent = 10;
  options.constant_share_percent = 10;
  options.sweepers = sweepers;
  return options;
}

// 200 pages; all four have completed `generation`.
ReferenceGuest GuestAfter(uint64_t generation) {
  ReferenceGuest guest(Options(200, kSweepers));
  guest.CompleteAll(generation);
  return guest;
}

OracleReport Verify(ReferenceGuest& guest) {
  absl::StatusOr<OracleReport> report = VerifyGuestRam(guest, Deadline::After(absl::Seconds(10)));
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : OracleReport();
}

// Every page is swept by one processor, by the header's own two accounts and by the reference's.
TEST(SliceTest, EveryPageHasOneSweeper) {
  for (uint32_t sweepers = 1; sweepers <= TANDEM_GUEST_MAX_SWEEPERS; ++sweepers) {
    for (uint32_t page_count : {32, 33, 200, 1001}) {
      TandemGuestOptions options = Options(page_count, sweepers);
      ASSERT_EQ(TandemGuestOptionsProblem(&options), nullptr);
      ReferenceGuest guest(options);
      size_t pages = 0;
      for (uint64_t vcpu = 0; vcpu < sweepers; ++vcpu) {
        std::vector<uint64_t> own = guest.PagesOf(vcpu);
        pages += own.size();
        ASSERT_FALSE(own.empty());
        EXPECT_EQ(own.back(), TandemGuestLastPage(&guest.layout(), vcpu, sweepers));
        for (uint64_t page : own)
          EXPECT_EQ(TandemGuestSweeperOf(&guest.layout(), sweepers, page), vcpu);
      }
      EXPECT_EQ(pages, page_count);
    }
  }
}

TEST(SliceTest, RefusesMoreSweepersThanSlices) {
  TandemGuestOptions options = Options(200, TANDEM_GUEST_MAX_SWEEPERS + 1);
  EXPECT_STREQ(TandemGuestOptionsProblem(&options), "sweepers");
  options = Options(16, 5);
  EXPECT_STREQ(TandemGuestOptionsProblem(&options), "sweepers");
  options = Options(16, 0);  // as in an option that names only others
  EXPECT_EQ(TandemGuestOptionsProblem(&options), nullptr);
  EXPECT_EQ(TandemGuestSweepers(&options), 1u);
}

// Within one sweep each of them may be anywhere, and half way through a page.
TEST(SeveralSweepersTest, OracleAcceptsEveryStop) {
  std::mt19937_64 random(7);
  ReferenceGuest guest(Options(200, kSweepers));
  EXPECT_TRUE(Verify(guest).consistent());
  for (uint64_t generation = 1; generation < 60; ++generation) {
    guest.state().generation = generation;  // it begins
    EXPECT_TRUE(Verify(guest).consistent());
    for (uint64_t vcpu = 0; vcpu < kSweepers; ++vcpu) {
      std::vector<uint64_t> own = guest.PagesOf(vcpu);
      uint64_t page = own[random() % own.size()];
      if (vcpu == 0) guest.RunTo(generation, page, random() % 513);
      if (vcpu != 0 && random() % 4 > 0) guest.RunOtherTo(vcpu, generation, page, random() % 513);
    }
    OracleReport report = Verify(guest);
    ASSERT_TRUE(report.consistent()) << report.Summary();
    EXPECT_LE(report.pages_in_transition.size(), kSweepers);
    guest.CompleteAll(generation);
    ASSERT_TRUE(Verify(guest).consistent());
  }
}

// A page that is old, in each band, by the sweep of the processor to which it belongs.
TEST(SeveralSweepersTest, OracleFindsStalePageAndNamesItsSweeper) {
  ReferenceGuest before = GuestAfter(6);
  for (uint64_t page : {80, 151, 171}) {  // ordinary, zero, incompressible
    ReferenceGuest guest = GuestAfter(7);
    std::ranges::copy(before.page(page), guest.page(page).begin());
    OracleReport report = Verify(guest);
    ASSERT_EQ(report.finding_count, 1u) << report.Summary();
    EXPECT_EQ(report.findings[0].sweeper, 2u);
    EXPECT_THAT(report.diagnosis, HasSubstr(", swept by vCPU 2"));
  }
}

TEST(SeveralSweepersTest, OracleFindsOneBitAndNamesTheSweeper) {
  ReferenceGuest guest = GuestAfter(7);
  guest.page(30)[99] ^= 4;
  EXPECT_THAT(Verify(guest).diagnosis,
              StartsWith("one page damaged at byte 0x318 (single bit 2 flipped), page 0x1e, in the "
                         "ordinary band, swept by vCPU 0"));
}

// A processor whose state is older, or newer, than that of the others, as when states of different
// moments were put together.
TEST(SeveralSweepersTest, OracleNamesSweeperThatContradicts) {
  const struct {
    void (*damage)(TandemGuestState&);
    const char* named;
  } cases[] = {
      {[](TandemGuestState& state) { state.others[1].completed = 5; },
       "vCPU 2 has completed sweep 5, but generation is 7"},
      {[](TandemGuestState& state) { state.others[1].completed = 8; },
       "vCPU 2 has completed sweep 8, but generation is 7"},
      {[](TandemGuestState& state) { state.others[2].position -= 1; },
       "vCPU 3 is at position 0x63e, but has completed sweep 7 of 7"},
      {[](TandemGuestState& state) {
         state.others[0] = {1690, 6, 0};
       },
       "vCPU 1 is at position 0x69a, but has completed sweep 6 of 7"},
      {[](TandemGuestState& state) { state.others[0].in_register_window = 2; },
       "in_register_window of vCPU 1 is 0x2"},
  };
  for (const auto& [damage, named] : cases) {
    ReferenceGuest guest = GuestAfter(7);
    damage(guest.state());
    EXPECT_THAT(Verify(guest).state_problem, HasSubstr(named));
  }
}

// The slice of one processor as it was a sweep ago, its account of itself included: memory alone
// does not contradict that, the others do not begin before it has caught up.
TEST(SeveralSweepersTest, OracleFindsSliceThatLagsByTwo) {
  ReferenceGuest guest = GuestAfter(7);
  ReferenceGuest before = GuestAfter(5);
  for (uint64_t page : guest.PagesOf(2))
    std::ranges::copy(before.page(page), guest.page(page).begin());
  guest.state().others[1] = before.state().others[1];
  EXPECT_FALSE(Verify(guest).consistent());
}

TEST(SeveralSweepersTest, SaysWhichProcessorAFailedCheckWasOn) {
  EXPECT_EQ(FormatSelfCheckError({TANDEM_GUEST_ERROR_REGISTER, 0x323172, 0, 0x10, 0x11, 4, 2}),
            "register r12 in generation 4 on vCPU 2: expected 0x10, found 0x11");
}

TEST(AwaitedSweepersTest, AreThoseThatHaveNotCompletedTheSweep) {
  ReferenceGuest guest = GuestAfter(7);
  EXPECT_EQ(DescribeAwaitedSweepers(guest.state()),
            "sweep 7 awaits vCPU 0, which begins the next one");
  guest.RunTo(8, guest.PagesOf(0).back(), 512);
  guest.CompleteOther(1, 8);
  guest.RunOtherTo(2, 8, 80, 3);
  guest.CompleteOther(3, 8);
  EXPECT_EQ(DescribeAwaitedSweepers(guest.state()), "sweep 8 awaits vCPU 2 (at page 0x50)");
}

TEST(AwaitedSweepersTest, AreNotMentionedWhereOnlyOneSweeps) {
  ReferenceGuest guest(Options(200, 1));
  guest.CompleteAll(3);
  EXPECT_EQ(DescribeAwaitedSweepers(guest.state()), "");
}

}  // namespace
}  // namespace tandem
