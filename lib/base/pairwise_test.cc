// SPDX-License-Identifier: Apache-2.0
#include "lib/base/pairwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tandem {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PairwiseTest : public ::testing::Test {
 protected:
  static constexpr size_t kOptions = 24;

  // Options 0 to 3 are bases, 4 to 23 are added; 5 and 7 exclude each other, 6 needs 5, and base 3
  // does not go with 4.
  PairwiseTest() {
    for (size_t i = 0; i < 40; ++i) options_.bases.push_back({i % 4});
    for (size_t option = 4; option < kOptions; ++option) {
      options_.candidates.push_back(option == 6 ? OptionSet{5, 6} : OptionSet{option});
    }
    options_.most_added = 5;
    options_.accepts = [](const OptionSet& set) { return Accepts(set); };
    for (size_t one = 0; one < kOptions; ++one) {
      for (size_t other = std::max<size_t>(4, one + 1); other < kOptions; ++other) {
        OptionSet both = {one, other};
        if (both.contains(6)) both.insert(5);
        if (Accepts(both)) open_.insert(PairOf(other, one));
      }
    }
  }
  static bool Accepts(const OptionSet& set) {
    auto holds = [&](size_t one, size_t other) { return set.contains(one) && set.contains(other); };
    return !holds(5, 7) && !holds(3, 4) && (!set.contains(6) || set.contains(5));
  }

  PairwiseOptions options_;
  std::set<OptionPair> open_;
};

TEST_F(PairwiseTest, AnyTwoMeetThatCan) {
  ASSERT_THAT(open_, SizeIs(20 * 4 + 20 * 19 / 2 - 3));  // 5 and 7, 6 and 7, 3 and 4
  std::set<OptionPair> left = open_;
  auto rows = PairwiseCombinations(options_, left);
  EXPECT_THAT(left, IsEmpty());
  for (auto [one, other] : open_) {
    EXPECT_TRUE(std::any_of(
        rows.begin(), rows.end(),
        [one, other](const OptionSet& row) { return row.contains(one) && row.contains(other); }))
        << one << " and " << other;
  }
}

TEST_F(PairwiseTest, AllAreAcceptedAndNotTooLarge) {
  for (const OptionSet& row : PairwiseCombinations(options_, open_)) {
    EXPECT_TRUE(Accepts(row));
    EXPECT_LE(row.size(), 1 + options_.most_added);
  }
}

// What does not fit in stays open, and is told.
TEST_F(PairwiseTest, PairsThatNeverMeetStayOpen) {
  options_.bases.resize(3);
  std::set<OptionPair> all = open_;
  auto rows = PairwiseCombinations(options_, open_);
  EXPECT_THAT(open_, Contains(OptionPair(3, 5)));
  for (const OptionPair& pair : all) {
    bool met = std::any_of(rows.begin(), rows.end(), [&](const OptionSet& row) {
      return row.contains(pair.first) && row.contains(pair.second);
    });
    EXPECT_NE(open_.contains(pair), met) << pair.first << " and " << pair.second;
  }
}

// Two that have met all others, but not each other.
TEST_F(PairwiseTest, TwoThatAreLeftMeet) {
  open_ = {{10, 20}};
  options_.bases.resize(2);
  EXPECT_THAT(PairwiseCombinations(options_, open_),
              ElementsAre(OptionSet{0, 10, 20}, OptionSet{1}));
}

TEST_F(PairwiseTest, AreAlwaysTheSame) {
  std::set<OptionPair> again = open_;
  EXPECT_EQ(PairwiseCombinations(options_, open_), PairwiseCombinations(options_, again));
}

}  // namespace
}  // namespace tandem
