// SPDX-License-Identifier: Apache-2.0
#include "lib/report/timeline_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "lib/report/evidence.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TimelineJsonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    recording_.Append("source", EntryKind::kProcess, "started with pid 1: qemu -name source");
    recording_.Append("destination", EntryKind::kProcess,
                      "started with pid 2: qemu -incoming defer");
  }
  void Event(const char* role, const std::string& name, const std::string& data = "{}") {
    recording_.Append(role, EntryKind::kQmpEvent,
                      R"({"event":")" + name + R"(","data":)" + data + "}");
  }
  void Exchange(const char* role, const std::string& command, const std::string& reply) {
    recording_.Append(role, EntryKind::kQmpSent, "{" + command + R"(,"id":1})");
    recording_.Append(role, EntryKind::kQmpReply, "{" + reply + R"(,"id":1})");
  }
  Json Made(const std::optional<FailingMoment>& failed = std::nullopt) {
    return TimelineJson(recording_, failed);
  }
  Json Source() { return Made()["lanes"][0]; }

  // What stands behind the times of a list.
  static std::vector<std::string> Texts(const Json& list) {
    std::vector<std::string> texts;
    for (const Json& element : list.elements()) {
      std::string text;
      for (size_t i = 1; i < element.size(); ++i) {
        text += (i > 1 ? " " : "") +
                (element[i].Text().empty() ? element[i].Dump() : element[i].Text());
      }
      texts.push_back(text);
    }
    return texts;
  }

  Recording recording_;
};

TEST_F(TimelineJsonTest, ShowsTheGuestByEventsAndAnswers) {
  recording_.Append("source", EntryKind::kSerial, "AB");
  Event("source", "STOP");
  Exchange("source", R"("execute":"query-status")",
           R"("return":{"running":false,"status":"postmigrate"})");
  Event("destination", "RESUME");
  Json made = Made();
  EXPECT_EQ(made["lanes"][0]["role"].Text(), "source");
  EXPECT_THAT(Texts(made["lanes"][0]["guest"]), ElementsAre("running", "stopped", "postmigrate"));
  EXPECT_THAT(Texts(made["lanes"][1]["guest"]), ElementsAre("inmigrate", "running"));
  EXPECT_EQ(made["lanes"][0]["serial"].size(), 1u);
}

TEST_F(TimelineJsonTest, ShowsStatusPassesAndRemainingMemory) {
  Event("source", "MIGRATION", R"({"status":"active"})");
  Exchange("source", R"("execute":"query-migrate")",
           R"("return":{"status":"active","ram":{"remaining":4096}})");
  Event("source", "MIGRATION_PASS", R"({"pass":2})");
  Event("source", "MIGRATION", R"({"status":"completed"})");
  EXPECT_THAT(Texts(Source()["migration"]), ElementsAre("active", "completed"));
  EXPECT_THAT(Texts(Source()["passes"]), ElementsAre("2"));
  EXPECT_THAT(Texts(Source()["remaining"]), ElementsAre("4096"));
}

// From stop to resume, but only in COLO; one that was never resumed lasts until the end.
TEST_F(TimelineJsonTest, ShowsCheckpoints) {
  Event("source", "STOP");
  Event("source", "RESUME");
  Event("source", "MIGRATION", R"({"status":"colo"})");
  Event("source", "STOP");
  Event("source", "RESUME");
  Event("source", "STOP");
  recording_.Append("source", EntryKind::kProcess, "ended with signal 9 (SIGKILL)");
  Json lane = Source();
  ASSERT_EQ(lane["checkpoints"].size(), 2u);
  EXPECT_EQ(lane["checkpoints"][1][1].Number(), lane["end_ms"].Number());
}

TEST_F(TimelineJsonTest, MarksWhatWasDoneAndWhatWentWrong) {
  Exchange("source", R"("execute":"query-status")", R"("return":{})");
  Exchange("source", R"("execute":"stop")", R"("error":{"desc":"no \u0007"})");
  Exchange("source", R"("exec-oob":"yank","arguments":{"a":1})", R"("return":{})");
  Event("source", "COLO_EXIT", R"({"mode":"primary"})");
  recording_.Append("source", EntryKind::kStderr, "qemu: oh");
  recording_.Append("source", EntryKind::kSerial, "B!state 1");
  recording_.Append("source", EntryKind::kSerial, "2\r\nB");
  recording_.Append("source", EntryKind::kNote, "kill source");
  recording_.Append("relay", EntryKind::kNote, "channel 0 opened");
  EXPECT_THAT(Texts(Source()["marks"]),
              ElementsAre("command stop", "error stop: no \\x07", R"(fault yank {"a":1})",
                          R"(event COLO_EXIT {"mode":"primary"})", "stderr qemu: oh",
                          "guest state 12", "fault kill source"));
  EXPECT_THAT(Texts(Made()["notes"]), ElementsAre("relay channel 0 opened"));
}

TEST_F(TimelineJsonTest, TellsTheFailingMomentAndTheWait) {
  auto never = [] { return false; };
  auto waited = recording_.Wait(Deadline::AfterUnscaled(absl::Milliseconds(20)), "the end", never);
  FailingMoment failed{absl::Now(), "a_test.cc:1\n" + std::string(waited.message())};
  (void)recording_.Wait(Deadline::AfterUnscaled(absl::ZeroDuration()), "the end", never);
  recording_.Append("test", EntryKind::kNote, kTeardownNote);
  Json failure = Made(failed)["failure"];
  EXPECT_THAT(failure["text"].Text(), HasSubstr("timed out"));
  EXPECT_EQ(failure["awaited"].Text(), "the end");
  double since = failure["awaited_since_ms"].Number().value_or(0);
  EXPECT_GE(failure["ms"].Number().value_or(0), since + 19);
  EXPECT_GE(Made()["teardown_ms"].Number().value_or(0), since);
  EXPECT_FALSE(Made().Has("failure"));
}

// A test that says very much leaves a small file that still has its beginning and its end.
TEST_F(TimelineJsonTest, StaysSmall) {
  Event("source", "MIGRATION", R"({"status":"colo"})");
  for (int i = 0; i < 3000; ++i) {
    Event("source", i % 2 == 0 ? "STOP" : "RESUME");
    Exchange("source", R"("execute":"x)" + std::to_string(i) + R"(")", R"("return":{})");
    recording_.Append("source", EntryKind::kSerial, "B");
    recording_.Append("source", EntryKind::kStderr, std::string(1000, 'x'));
    recording_.Append("test", EntryKind::kNote, std::string(1000, 'x'));
  }
  recording_.Append("source", EntryKind::kNote, "the last");
  EXPECT_LT(Made().Dump().size(), 60000u);
  std::vector<std::string> marks = Texts(Source()["marks"]);
  EXPECT_EQ(marks.front(), "command x0");
  EXPECT_EQ(marks.back(), "note the last");
}

}  // namespace
}  // namespace tandem
