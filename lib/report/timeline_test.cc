// SPDX-License-Identifier: Apache-2.0
#include "lib/report/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The lines as "origin: text".
std::vector<std::string> Lines(const Recording& recording) {
  std::vector<std::string> lines;
  for (const TimelineLine& line : MakeTimeline(recording)) {
    lines.push_back(line.origin + ": " + line.text);
  }
  return lines;
}

// Commands, refusals and events stand there without ids and QEMU's own times.
TEST(TimelineTest, ShortensTheConversation) {
  Recording recording;
  recording.Append("source", EntryKind::kQmpSent,
                   R"({"execute":"migrate","arguments":{"uri":"tcp:[::1]:0"},"id":3})");
  recording.Append("source", EntryKind::kQmpReply,
                   R"({"id": 3, "error": {"class": "GenericError", "desc": "no such thing"}})");
  recording.Append("source", EntryKind::kQmpSent, R"({"exec-oob":"yank","id":4})");
  recording.Append("source", EntryKind::kQmpEvent,
                   R"({"timestamp": {"seconds": 1}, "event": "MIGRATION",)"
                   R"( "data": {"status": "active"}})");
  recording.Append("source", EntryKind::kQmpEvent, R"({"event": "STOP"})");
  EXPECT_THAT(Lines(recording),
              ElementsAre(R"(source: > migrate {"uri":"tcp:[::1]:0"})",
                          "source: < error GenericError: no such thing", "source: > oob yank",
                          R"(source: * MIGRATION {"status":"active"})", "source: * STOP"));
}

// Greeting and good answers are left out.
TEST(TimelineTest, LeavesOutGoodAnswers) {
  Recording recording;
  recording.Append("source", EntryKind::kQmpReply, R"({"QMP": {}})");
  recording.Append("source", EntryKind::kQmpReply, R"({"return": {}, "id": 1})");
  EXPECT_THAT(Lines(recording), IsEmpty());
}

// What QEMU said that is no JSON stands there as it was.
TEST(TimelineTest, ShowsGarbage) {
  Recording recording;
  recording.Append("source", EntryKind::kQmpReply, "{oops");
  recording.Append("source", EntryKind::kQmpReply, "[1]");
  EXPECT_THAT(Lines(recording), ElementsAre("source: < no JSON: {oops", "source: < no JSON: [1]"));
}

// Progress characters of a machine make one line until something happens on either machine; the
// progress of the other and a good answer, which is not shown, do not break it.
TEST(TimelineTest, MergesProgressOfOneMachine) {
  Recording recording;
  recording.Append("source", EntryKind::kSerial, "A");
  recording.Append("source", EntryKind::kSerial, "BB");
  recording.Append("source", EntryKind::kQmpReply, R"({"return": {}, "id": 1})");
  recording.Append("source", EntryKind::kSerial, "B");
  recording.Append("destination", EntryKind::kQmpEvent, R"({"event": "RESUME"})");
  recording.Append("source", EntryKind::kSerial, "B");
  recording.Append("destination", EntryKind::kSerial, "C");
  recording.Append("source", EntryKind::kSerial, "B");
  recording.Append("destination", EntryKind::kSerial, "C");
  EXPECT_THAT(Lines(recording), ElementsAre("source: serial ABBB", "destination: * RESUME",
                                            "source: serial BB", "destination: serial CC"));
}

// A message of the guest stands on a line of its own, with the time of its beginning.
TEST(TimelineTest, BreaksSerialOutputAtLineEnds) {
  Recording recording;
  recording.Append("source", EntryKind::kSerial, "BB\r\nregister r12");
  recording.Append("source", EntryKind::kSerial, " wrong\r\n");
  EXPECT_THAT(Lines(recording),
              ElementsAre("source: serial BB", "source: serial register r12 wrong"));
}

// Terminal codes of a guest are shown, not obeyed.
TEST(TimelineTest, ShowsControlCharacters) {
  Recording recording;
  recording.Append("source", EntryKind::kSerial, "\x1b[2J");
  EXPECT_THAT(Lines(recording), ElementsAre("source: serial \\x1b[2J"));
}

// No character of a long run is lost to the cut.
TEST(TimelineTest, BreaksLongRunsOfProgress) {
  Recording recording;
  for (int i = 0; i < 1000; ++i) recording.Append("source", EntryKind::kSerial, "B");
  std::string table = RenderTimeline(MakeTimeline(recording));
  EXPECT_EQ(std::count(table.begin(), table.end(), 'B'), 1000);
}

// Each line: milliseconds with three decimals, role, what; the columns are as wide as the widest.
TEST(TimelineTest, RendersColumns) {
  std::string table = RenderTimeline({{0.5, "source", "a"}, {1234.5678, "destination", "b\nc"}});
  EXPECT_EQ(table,
            "          ms  role         what\n"
            "       0.500  source       a\n"
            "    1234.568  destination  b\n"
            "                           c\n");
}

// A line of a megabyte is cut to about 200 characters.
TEST(TimelineTest, CutsLongLines) {
  std::string table = RenderTimeline({{0, "test", std::string(1 << 20, 'x')}});
  EXPECT_THAT(table, SizeIs(::testing::Lt(300)));
  EXPECT_THAT(table, EndsWith("x…\n"));
}

}  // namespace
}  // namespace tandem
