// SPDX-License-Identifier: Apache-2.0
#include "lib/colo/checkpoint_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

QmpEvent At(int64_t milliseconds, const char* name) {
  return {.name = name, .qemu_time = absl::FromUnixMillis(milliseconds)};
}

// The first RESUME belongs to COLO's start and the last STOP was never answered: two pauses remain.
TEST(CheckpointLogTest, PairsStopsWithResumes) {
  std::vector<CheckpointPause> pauses =
      CheckpointPauses({At(0, "RESUME"), At(300, "STOP"), At(420, "RESUME"), At(600, "STOP"),
                        At(610, "MIGRATION"), At(700, "RESUME"), At(900, "STOP")});
  ASSERT_EQ(pauses.size(), 2u);
  EXPECT_EQ(pauses[0].duration, absl::Milliseconds(120));
  EXPECT_EQ(pauses[1].duration, absl::Milliseconds(100));
  EXPECT_THAT(CheckpointPeriods(pauses), ElementsAre(absl::Milliseconds(300)));
}

TEST(CheckpointLogTest, NoCheckpointsNoPeriods) {
  EXPECT_THAT(CheckpointPeriods(CheckpointPauses({At(0, "RESUME")})), IsEmpty());
}

}  // namespace
}  // namespace tandem
