// SPDX-License-Identifier: Apache-2.0
#include "lib/base/pairwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace tandem {
namespace {

size_t CountOf(const std::vector<size_t>& row, const std::vector<size_t>& options) {
  return std::count_if(row.begin(), row.end(), [&](size_t option) {
    return std::find(options.begin(), options.end(), option) != options.end();
  });
}

class PairwiseTest : public ::testing::Test {
 protected:
  // Options 0 to 3 and 4 to 6 are alternatives, 7 to 26 are free.
  PairwiseTest() : options_{.alternatives = {{0, 1, 2, 3}, {4, 5, 6}}, .free = {}} {
    options_.free.resize(20);
    std::iota(options_.free.begin(), options_.free.end(), 7);
  }

  PairwiseOptions options_;
};

TEST_F(PairwiseTest, AnyTwoMeet) {
  auto rows = PairwiseCombinations(options_, 4);
  for (size_t one = 0; one < 27; ++one) {
    for (size_t other = one + 1; other < 27; ++other) {
      if (other < 4 || (one >= 4 && other < 7)) continue;  // alternatives of one set
      EXPECT_TRUE(std::any_of(rows.begin(), rows.end(),
                              [&](const std::vector<size_t>& row) {
                                return CountOf(row, {one, other}) == 2;
                              }))
          << one << " and " << other;
    }
  }
}

TEST_F(PairwiseTest, EachHasOneOfTheAlternativesAndNotTooManyFree) {
  for (const std::vector<size_t>& row : PairwiseCombinations(options_, 4)) {
    EXPECT_EQ(CountOf(row, options_.alternatives[0]), 1U);
    EXPECT_EQ(CountOf(row, options_.alternatives[1]), 1U);
    EXPECT_LE(CountOf(row, options_.free), 4U);
  }
}

TEST_F(PairwiseTest, AreFew) {
  size_t pairs_of_free = 20 * 19 / 2;
  EXPECT_LE(PairwiseCombinations(options_, 4).size(), 2 * pairs_of_free / 6);
}

TEST_F(PairwiseTest, AreAlwaysTheSame) {
  EXPECT_EQ(PairwiseCombinations(options_, 4), PairwiseCombinations(options_, 4));
}

}  // namespace
}  // namespace tandem
