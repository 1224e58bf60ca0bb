// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/schedule.h"

#include <gmock/gmock.h>

namespace tandem {
namespace {

size_t Take(Schedule& schedule) {
  auto entry = schedule.TakeNext();
  return entry ? entry->test : 99;
}

TEST(ScheduleTest, TakesTheLongestThatFits) {
  Schedule schedule(2);
  schedule.Add({.test = 0, .cores = 1, .seconds = 1});
  schedule.Add({.test = 1, .cores = 2, .seconds = 2});
  schedule.Add({.test = 2, .cores = 1, .seconds = 3});
  schedule.Add({.test = 3, .cores = 1, .seconds = 3});
  EXPECT_EQ(Take(schedule), 2u);
  EXPECT_EQ(Take(schedule), 3u);  // test 1 does not fit
  EXPECT_EQ(Take(schedule), 99u);
  schedule.Release({.cores = 1});
  EXPECT_EQ(Take(schedule), 0u);
  schedule.Release({.cores = 1});
  EXPECT_EQ(Take(schedule), 99u);
  schedule.Release({.cores = 1});
  EXPECT_EQ(Take(schedule), 1u);
  EXPECT_TRUE(schedule.empty());
}

// Nothing else runs beside a test that is wider than the budget.
TEST(ScheduleTest, RunsAWideTestAlone) {
  Schedule schedule(2);
  schedule.Add({.test = 0, .cores = 64, .seconds = 1});
  schedule.Add({.test = 1, .cores = 1, .seconds = 1});
  EXPECT_EQ(Take(schedule), 0u);
  EXPECT_EQ(Take(schedule), 99u);
  schedule.Release({.cores = 64});
  EXPECT_EQ(Take(schedule), 1u);
}

}  // namespace
}  // namespace tandem
