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

// Of a flood on one stream the beginning and the end stay, with a word on what is missing; memory
// is bounded, and other streams and kinds keep all they have.
TEST(RecordingTest, KeepsTheBeginningAndTheEndOfAFlood) {
  constexpr size_t kLines = 300'000;
  Recording recording;
  recording.Append("source", EntryKind::kStdout, "other");
  const std::string padding(100, 'x');
  std::vector<std::string> part;
  for (size_t i = 0; i < kLines; ++i) {
    part.push_back(fmt::format("{} {}", i, padding));
    if (part.size() < 1000) continue;
    recording.AppendLines("source", EntryKind::kStderr, part);
    part.clear();
  }
  EXPECT_EQ(recording.last_sequence(), kLines + 1);
  std::vector<RecordingEntry> kept = recording.EntriesAfter(0);
  EXPECT_EQ(kept[0].text, "other");
  EXPECT_EQ(kept[1].text, "0 " + padding);
  EXPECT_EQ(kept.back().text, fmt::format("{} {}", kLines - 1, padding));
  size_t kept_bytes = 0, gaps = 0, dropped = 0;
  for (const RecordingEntry& entry : kept) {
    kept_bytes += entry.text.size();
    if (entry.text[0] != '[') continue;
    ++gaps;
    dropped = std::stoul(entry.text.substr(1));
    EXPECT_THAT(entry.text, HasSubstr("lines with"));
  }
  EXPECT_EQ(gaps, 1u);
  EXPECT_EQ(kept.size() - 2 + dropped, kLines) << "each line is kept or counted";
  EXPECT_LT(kept_bytes, 3 * kKeptOfStream);
  EXPECT_GT(kept_bytes, kKeptOfStream / 2);
}

// A condition is looked at once for a batch of lines, not for each of them.
TEST(RecordingTest, ABatchWakesAWaiterOnce) {
  Recording recording;
  std::atomic<int> looks = 0;
  std::thread writer([&] {
    while (looks < 1) std::this_thread::yield();
    recording.AppendLines("source", EntryKind::kStderr, std::vector<std::string>(1000, "x"));
    while (looks < 2) std::this_thread::yield();
    recording.Notify();
  });
  EXPECT_TRUE(
      recording.Wait(Deadline::After(absl::Seconds(10)), "looks", [&] { return ++looks == 3; })
          .ok());
  writer.join();
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
