// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/guest_console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;

// Letters inside a failure line are no progress, and an unfinished line is not yet a failure.
TEST(GuestConsoleTest, TellsProgressFromFailures) {
  ConsoleSummary summary = SummarizeConsole("ABB\n!page A B expected\nB\n!half");
  EXPECT_EQ(summary.starts, 1u);
  EXPECT_EQ(summary.sweeps, 3u);
  EXPECT_THAT(summary.failures, ElementsAre("page A B expected"));
}

}  // namespace
}  // namespace tandem
