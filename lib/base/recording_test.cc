// SPDX-License-Identifier: Apache-2.0
#include "lib/base/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(RecordingTest, NumbersEntriesWithoutGapsAndServesThemByCursor) {
  Recording recording;
  recording.Append("source", EntryKind::kStderr, "one");
  uint64_t cursor = recording.last_sequence();
  recording.Append("source", EntryKind::kStderr, "two");
  std::vector<RecordingEntry> later = recording.EntriesAfter(cursor);
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].text, "two");
  EXPECT_EQ(later[0].sequence, 2u);
  EXPECT_TRUE(recording.EntriesAfter(99).empty());
}

TEST(RecordingTest, WaitReturnsWhenAnotherThreadMakesTheConditionTrue) {
  Recording recording;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    done = true;
    recording.Append("test", EntryKind::kNote, "done");
  });
  EXPECT_TRUE(
      recording.Wait(Deadline::After(absl::Seconds(10)), "the writer", [&] { return done.load(); })
          .ok());
  writer.join();
}

TEST(RecordingTest, TimeoutNamesWhatWasAwaitedTheStateAndTheLastEvents) {
  Recording recording;
  recording.Append("source", EntryKind::kQmpEvent, "STOP");
  absl::Status status = recording.Wait(
      Deadline::After(absl::Milliseconds(5)), "status colo", [] { return false; },
      [] { return std::string("active"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("waiting for status colo"),
                                     HasSubstr("last state: active"), HasSubstr("source STOP")));
}

TEST(RecordingTest, InterruptionEndsAWaitAtOnceAndSaysWhy) {
  Recording recording;
  std::thread killer([&] { recording.Interrupt(absl::UnavailableError("source died")); });
  absl::Status status =
      recording.Wait(Deadline::After(absl::Hours(1)), "a reply", [] { return false; });
  killer.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("awaiting a reply"), HasSubstr("source died")));
}

TEST(RecordingTest, AConditionThatHoldsWinsOverAnInterruption) {
  Recording recording;
  recording.Interrupt(absl::UnavailableError("source died"));
  EXPECT_TRUE(recording.Wait(Deadline::After(absl::Hours(1)), "nothing", [] { return true; }).ok());
}

}  // namespace
}  // namespace tandem
