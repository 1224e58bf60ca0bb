// SPDX-License-Identifier: Apache-2.0
// What goes over the client's socket: large and stuck messages, descriptors, events, several
// threads, and the recording of it all.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "absl/time/clock.h"
#include "lib/qmp/qmp_test_peer.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kHuge = 64 << 20;
constexpr size_t kMoreThanASocketHolds = 4 << 20;

class QmpWireTest : public QmpClientFixture {};

// An answer of 64 MiB arrives whole.
TEST_F(QmpWireTest, AHugeAnswerArrivesWhole) {
  PendingReply pending = Send("human-monitor-command");
  std::string text(kHuge, 'x');
  peer_->Say(fmt::format(R"({{"id":{},"return":")", *peer_->Hear()["id"].Integer()));
  peer_->Say(text);
  peer_->SayLine("\"}");
  EXPECT_TRUE(Receive(pending)->Text() == text);
}

// A command that is larger than the socket's buffer arrives whole at a peer that reads.
TEST_F(QmpWireTest, AHugeCommandArrivesWhole) {
  std::string text(kMoreThanASocketHolds, 'x');
  auto heard = std::async(std::launch::async, [&] { return peer_->Hear(); });
  PendingReply pending = Send("human-monitor-command", Json::Object({{"line", text}}));
  Json command = heard.get();
  EXPECT_TRUE(command["arguments"]["line"].Text() == text);
}

// A command that the peer does not read ends at its deadline, and so does the conversation: the
// peer would take the next command for the rest of this one.
TEST_F(QmpWireTest, ACommandThatIsNotReadEndsTheConversation) {
  Json arguments = Json::Object({{"line", std::string(kMoreThanASocketHolds, 'x')}});
  absl::Status status = client_->Execute("stop", arguments, ShortTime()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("source: stop"), HasSubstr("not read")));
  absl::Status next = client_->Execute("cont", LongTime()).status();
  EXPECT_EQ(next.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(next), AllOf(HasSubstr("source: cont"), HasSubstr("read only")));
}

// While one thread is stuck in writing, the deadline of another one holds, and both go on later.
TEST_F(QmpWireTest, AStuckWriterDoesNotHoldOthersBeyondTheirDeadline) {
  Json arguments = Json::Object({{"line", std::string(kMoreThanASocketHolds, 'x')}});
  auto stuck = std::async(std::launch::async,
                          [&] { return client_->Execute("first", arguments, LongTime()); });
  ASSERT_TRUE(peer_->Receive(1));  // the writer is at it
  EXPECT_EQ(client_->Execute("second", ShortTime()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  peer_->Echo();
  EXPECT_TRUE(stuck.get().ok());
  PendingReply third = Send("third");
  EXPECT_EQ(peer_->Echo()["execute"].Text(), "third");
  EXPECT_TRUE(Receive(third).ok());
}

// Writing to a peer that is gone says that it is gone, and never that an ability is missing.
TEST_F(QmpWireTest, WritingToAGonePeerIsUnavailable) {
  peer_->StopReading();
  absl::Status status = client_->Execute("stop", LongTime()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("source: stop: source closed the QMP connection"));
}

// Events between answers keep their order, their times and their place behind a cursor.
TEST_F(QmpWireTest, EventsKeepOrderAndCursors) {
  absl::Time before = absl::Now();
  PendingReply pending = Send("stop");
  peer_->SayLine(R"({"event":"STOP","timestamp":{"seconds":7,"microseconds":5}})");
  peer_->Return(peer_->Hear()["id"]);
  EXPECT_TRUE(Receive(pending).ok());
  EventCursor cursor = client_->events().cursor();
  EXPECT_EQ(cursor, 1u);
  peer_->SayLine(R"({"event":"MIGRATION","data":{"status":"active"}})");
  peer_->SayLine(R"({"event":"STOP"})");
  peer_->SayLine(R"({"event":"MIGRATION","data":{"status":"completed"}})");
  auto completed =
      client_->WaitForEvent(cursor, MigrationEvent("completed"), "the end", LongTime());
  ASSERT_TRUE(completed.ok());
  EXPECT_EQ(completed->after, 4u);
  EXPECT_EQ(client_->WaitForEvent(cursor, "STOP", LongTime())->after, 3u);
  EXPECT_EQ(client_->events().CountAfter(0, EventNamed("STOP")), 2u);
  EXPECT_EQ(client_->events().CountAfter(3, EventNamed("STOP")), 0u);
  QmpEvent first = client_->events().EventsAfter(0).at(0);
  EXPECT_EQ(first.qemu_time, absl::FromUnixMicros(7'000'005));
  EXPECT_GE(first.read_time, before);
  EXPECT_LE(first.read_time, absl::Now());
}

// A wait for an event ends at its deadline, and at once when the peer goes away.
TEST_F(QmpWireTest, WaitForEventEndsWithThePeer) {
  peer_->SayLine(R"({"event":"STOP"})");
  absl::Status late = client_->WaitForEvent(1, "STOP", ShortTime()).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(late), HasSubstr("event STOP of source"));
  auto waiting = std::async(std::launch::async, [&] {
    return client_->WaitForEvent(1, "STOP", Deadline::After(absl::Hours(1))).status();
  });
  peer_->Close();
  absl::Status gone = waiting.get();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(gone), AllOf(HasSubstr("event STOP"), HasSubstr("source closed")));
  EXPECT_TRUE(client_->WaitForEvent(0, "STOP", LongTime()).ok());
}

// Descriptors arrive once, usable and with the command, however many pieces it is written in.
TEST_F(QmpWireTest, DescriptorsArriveWithTheCommand) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  auto echo = std::async(std::launch::async, [&] { return peer_->Echo(); });
  Json arguments = Json::Object({{"padding", std::string(1 << 20, 'x')}});
  EXPECT_TRUE(client_->Execute("getfd", arguments, LongTime(), {write_end.get(), 2}).ok());
  echo.get();
  ASSERT_EQ(peer_->fds.size(), 2u);
  write_end.reset();
  EXPECT_EQ(write(peer_->fds[0].get(), "hello", 5), 5);
  peer_->fds.clear();
  char text[16] = {};
  EXPECT_EQ(read(read_end.get(), text, sizeof text), 5);
  EXPECT_STREQ(text, "hello");
  EXPECT_EQ(read(read_end.get(), text, sizeof text), 0) << "somebody still holds the pipe";
}

// Descriptors that cannot be sent are refused, and the conversation goes on.
TEST_F(QmpWireTest, BadDescriptorsAreRefused) {
  absl::Status closed = client_->Execute("getfd", Json(), LongTime(), {9999}).status();
  EXPECT_EQ(closed.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(closed), HasSubstr("Bad file descriptor"));
  EXPECT_EQ(client_->Execute("getfd", Json(), LongTime(), std::vector<int>(17, 2)).status().code(),
            absl::StatusCode::kInvalidArgument);
  PendingReply pending = Send("stop");
  EXPECT_EQ(peer_->Echo()["execute"].Text(), "stop");
  EXPECT_TRUE(Receive(pending).ok());
}

// The whole conversation is recorded in order, with times.
TEST_F(QmpWireTest, TheConversationIsRecorded) {
  Negotiate();
  PendingReply pending = Send("stop");
  peer_->SayLine(R"({"event":"STOP"})");
  peer_->Return(peer_->Hear()["id"]);
  EXPECT_TRUE(Receive(pending).ok());
  EXPECT_THAT(
      Entries(),
      ElementsAre(std::string("qmp< ") + kGreeting,
                  R"(qmp> {"execute":"qmp_capabilities","arguments":{"enable":["oob"]},"id":1})",
                  R"(qmp< {"return":{"enable":["oob"]},"id":1})",
                  R"(qmp> {"execute":"stop","id":2})", R"(event {"event":"STOP"})",
                  R"(qmp< {"return":{},"id":2})"));
  absl::Time previous = recording_.start_time();
  for (const RecordingEntry& entry : recording_.EntriesAfter(0)) {
    EXPECT_EQ(entry.origin, "source");
    EXPECT_GE(entry.time, previous);
    previous = entry.time;
  }
}

// Commands of two threads, large ones among them, arrive whole and get their own answers; the
// recording has them in the order of the wire.
TEST_F(QmpWireTest, TwoThreadsExecuteAtOnce) {
  constexpr int kEach = 300;
  std::vector<std::string> wire;
  std::thread server([&] {
    for (int i = 0; i < 2 * kEach; ++i) wire.push_back("qmp> " + peer_->Echo().Dump());
  });
  auto execute = [&](int from) {
    for (int i = from; i < from + kEach; ++i) {
      std::string padding(i % 100 == 0 ? 1 << 20 : 0, 'x');
      Json arguments = Json::Object({{"n", i}, {"padding", padding}});
      auto echo = client_->Execute("echo", arguments, LongTime());
      ASSERT_TRUE(echo.ok()) << echo.status();
      ASSERT_EQ((*echo)["n"].Integer(), i);
    }
  };
  std::thread other(execute, 1000);
  execute(0);
  other.join();
  server.join();
  std::vector<std::string> sent = Entries();
  std::erase_if(sent, [](const std::string& entry) { return !entry.starts_with("qmp> "); });
  EXPECT_TRUE(sent == wire);
}

// A client goes away in the middle of a conversation, while the peer talks on.
TEST_F(QmpWireTest, DestructionWithOutstandingAnswersIsClean) {
  Send("query-status");
  std::thread talker([&] {
    for (int i = 0; i < 1000; ++i) peer_->SayLine(R"({"event":"STOP"})");
  });
  EXPECT_TRUE(client_->WaitForEvent(0, "STOP", LongTime()).ok());
  client_.reset();
  talker.join();
}

// A wait looks at each event once, however many come before the one that it awaits, and however
// often something else wakes it.
TEST_F(QmpWireTest, AWaitLooksAtEachEventOnce) {
  constexpr int kEvents = 2000;
  std::thread talker([&] {
    for (int i = 0; i < kEvents; ++i) {
      peer_->SayLine(R"({"event":"STOP"})");
      recording_.Append("source", EntryKind::kStderr, "something else");
    }
    peer_->SayLine(R"({"event":"RESUME"})");
  });
  int looks = 0;
  auto resumed = [&](const QmpEvent& event) { return ++looks > 0 && event.name == "RESUME"; };
  EXPECT_TRUE(client_->WaitForEvent(0, resumed, "RESUME", LongTime()).ok());
  talker.join();
  EXPECT_GE(looks, kEvents);
  EXPECT_LT(looks, 2 * kEvents);
}

}  // namespace
}  // namespace tandem
