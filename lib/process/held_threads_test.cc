// SPDX-License-Identifier: Apache-2.0
#include "lib/process/held_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/recording.h"
#include "lib/process/child_process.h"

namespace tandem {
namespace {

absl::StatusOr<std::unique_ptr<ChildProcess>> SpawnEcho(Recording& recording) {
  // Answers nothing while it is held: it prints a line every 10 ms.
  return ChildProcess::Spawn(
      {.name = "printer", .argv = {"sh", "-c", "while echo line; do sleep 0.01; done"}}, recording);
}

bool PrintsMore(Recording& recording, absl::Duration time) {
  uint64_t cursor = recording.last_sequence();
  return recording
      .Wait(Deadline::After(time), "two more lines",
            [&] { return recording.EntriesAfter(cursor).size() >= 2; })
      .ok();
}

// A held thread stands still, and goes on when it is let go.
TEST(HeldThreadsTest, StandStillUntilLetGo) {
  Recording recording;
  absl::StatusOr<std::unique_ptr<ChildProcess>> child = SpawnEcho(recording);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(PrintsMore(recording, absl::Seconds(10)));
  auto held = HeldThreads::Hold((*child)->pid(), "sh");
  if (absl::IsPermissionDenied(held.status())) GTEST_SKIP() << held.status();
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_EQ((*held)->size(), 1U);
  PrintsMore(recording, absl::Milliseconds(50));  // what was under way
  EXPECT_FALSE(PrintsMore(recording, absl::Milliseconds(200)));
  held->reset();
  EXPECT_TRUE(PrintsMore(recording, absl::Seconds(10)));
}

TEST(HeldThreadsTest, SaysThatThereIsNone) {
  Recording recording;
  absl::StatusOr<std::unique_ptr<ChildProcess>> child = SpawnEcho(recording);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(HeldThreads::Hold((*child)->pid(), "mig/dst/").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tandem
