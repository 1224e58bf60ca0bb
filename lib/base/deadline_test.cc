// SPDX-License-Identifier: Apache-2.0
#include "lib/base/deadline.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(DeadlineTest, ExpiresAndNeverHasNegativeTimeLeft) {
  Deadline past = Deadline::After(absl::ZeroDuration());
  EXPECT_TRUE(past.expired());
  EXPECT_EQ(past.remaining(), absl::ZeroDuration());
  EXPECT_FALSE(Deadline::After(absl::Hours(1)).expired());
}

TEST(DeadlineTest, AtMostKeepsTheEarlierEnd) {
  Deadline soon = Deadline::After(absl::Seconds(1));
  EXPECT_EQ(soon.AtMost(absl::Hours(1)).time_point(), soon.time_point());
  EXPECT_LT(soon.AtMost(absl::Milliseconds(1)).time_point(), soon.time_point());
}

}  // namespace
}  // namespace tandem
