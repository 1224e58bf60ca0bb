// SPDX-License-Identifier: Apache-2.0
// The client against peers that answer well, badly, late or not at all. The test plays the peer.
#include "lib/qmp/qmp_client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <future>
#include <thread>

#include "absl/time/clock.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kGreeting[] = R"({"QMP":{"version":{"qemu":{"major":9}},"capabilities":["oob"]}})";
constexpr size_t kHuge = 64 << 20;
constexpr size_t kMoreThanASocketHolds = 4 << 20;

// Far beyond what the tests take; a wait that runs into it has failed.
Deadline LongTime() { return Deadline::After(absl::Seconds(60)); }
Deadline ShortTime() { return Deadline::After(absl::Milliseconds(5)); }

// The other end of the client's socket, with blocking calls.
class Peer {
 public:
  explicit Peer(UniqueFd socket) : socket_(std::move(socket)) {
    timeval patience{.tv_sec = 60, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }

  void Say(std::string_view text) {
    while (!text.empty()) {
      ssize_t size = send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      text.remove_prefix(static_cast<size_t>(size));
    }
  }
  void SayLine(const std::string& line) { Say(line + "\r\n"); }
  // Reads the next command, and takes the descriptors that come along. Null at the end.
  Json Hear() {
    size_t searched = 0;
    for (;;) {
      size_t end = heard_.find('\n', searched);
      if (end != std::string::npos) {
        Json command = Json::Parse(heard_.substr(0, end)).value();
        heard_.erase(0, end + 1);
        return command;
      }
      searched = heard_.size();
      if (!Receive(1 << 20)) return Json();
    }
  }
  bool Receive(size_t most) {
    std::string buffer(most, '\0');
    alignas(cmsghdr) char control[1024];
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (size <= 0) return false;
    heard_.append(buffer, 0, static_cast<size_t>(size));
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      for (size_t at = CMSG_LEN(0); at < header->cmsg_len; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, reinterpret_cast<char*>(header) + at, sizeof fd);
        fds.emplace_back(fd);
      }
    }
    return true;
  }
  void Return(const Json& id, const Json& value = Json::Object({})) {
    SayLine(Json::Object({{"return", value}, {"id", id}}).Dump());
  }
  // Hears a command and answers it with its own arguments.
  Json Echo() {
    Json command = Hear();
    Return(command["id"], command["arguments"]);
    return command;
  }
  void Close() { socket_.reset(); }
  void StopReading() { shutdown(socket_.get(), SHUT_RD); }

  std::vector<UniqueFd> fds;

 private:
  UniqueFd socket_;
  std::string heard_;
};

class QmpClientTest : public ::testing::Test {
 protected:
  QmpClientTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    client_ = std::make_unique<QmpClient>("source", UniqueFd(ends[0]), recording_);
    peer_ = std::make_unique<Peer>(UniqueFd(ends[1]));
  }

  PendingReply Send(std::string_view command, const Json& arguments = Json()) {
    return client_->Send(command, arguments, false, {}, LongTime()).value();
  }
  absl::StatusOr<Json> Receive(const PendingReply& pending) {
    return client_->Receive(pending, LongTime());
  }
  // Leaves negotiation mode; returns what the peer heard.
  Json Negotiate(const std::string& greeting = kGreeting) {
    peer_->SayLine(greeting);
    auto heard = std::async(std::launch::async, [&] { return peer_->Echo(); });
    EXPECT_TRUE(client_->Negotiate(LongTime()).ok());
    return heard.get();
  }
  // What a command meets after the peer said `line`, which breaks the protocol.
  absl::Status AfterViolation(const std::string& line) {
    PendingReply pending = Send("query-status");
    peer_->SayLine(line);
    absl::Status status = Receive(pending).status();
    EXPECT_FALSE(client_->connected());
    EXPECT_EQ(client_->Execute("stop", LongTime()).status().code(), status.code());
    return status;
  }
  std::vector<std::string> Entries() const {
    std::vector<std::string> entries;
    for (const RecordingEntry& entry : recording_.EntriesAfter(0)) {
      entries.push_back(fmt::format("{} {}", EntryKindName(entry.kind), entry.text));
    }
    return entries;
  }

  Recording recording_;
  std::unique_ptr<QmpClient> client_;
  std::unique_ptr<Peer> peer_;
};

// A peer that offers out-of-band execution is asked for it, and then takes such commands.
TEST_F(QmpClientTest, NegotiatesOutOfBandWhereItIsOffered) {
  EXPECT_TRUE(client_->greeting().is_null());
  Json heard = Negotiate();
  EXPECT_EQ(heard["execute"].Text(), "qmp_capabilities");
  EXPECT_EQ(heard["arguments"].Dump(), R"({"enable":["oob"]})");
  EXPECT_TRUE(client_->oob_enabled());
  EXPECT_EQ(client_->greeting()["version"]["qemu"]["major"].Integer(), 9);
  auto echo = std::async(std::launch::async, [&] { return peer_->Echo(); });
  EXPECT_TRUE(client_->ExecuteOob("migrate-recover", Json::Object({{"a", 1}}), LongTime()).ok());
  EXPECT_EQ(echo.get()["exec-oob"].Text(), "migrate-recover");
}

// A peer without out-of-band execution is asked for nothing, and commands that need it say so.
TEST_F(QmpClientTest, NegotiatesWithoutOutOfBand) {
  Json heard = Negotiate(R"({"QMP":{"version":{},"capabilities":[]}})");
  EXPECT_EQ(heard["arguments"].Dump(), R"({"enable":[]})");
  EXPECT_FALSE(client_->oob_enabled());
  EXPECT_EQ(client_->ExecuteOob("migrate-recover", Json(), LongTime()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// A greeting that does not come, or is none, ends at the deadline in a message that names it.
TEST_F(QmpClientTest, AMissingGreetingIsNamed) {
  peer_->SayLine(R"({"event":"STOP"})");
  absl::Status status = client_->Negotiate(ShortTime());
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), HasSubstr("the QMP greeting of source"));
  peer_->SayLine(R"({"QMP":5})");
  EXPECT_EQ(client_->Negotiate(LongTime()).code(), absl::StatusCode::kInternal);
}

// A refused negotiation is the peer's error, and an end before the greeting is an end.
TEST_F(QmpClientTest, NegotiationThatFailsSaysHow) {
  peer_->SayLine(kGreeting);
  auto refusal = std::async(std::launch::async, [&] {
    Json id = peer_->Hear()["id"];
    peer_->SayLine(
        Json::Object({{"error", Json::Object({{"class", "GenericError"}})}, {"id", id}}).Dump());
    peer_->Close();
  });
  EXPECT_TRUE(QmpErrorOf(client_->Negotiate(LongTime())).has_value());
  EXPECT_FALSE(client_->oob_enabled());
  refusal.get();
}

// A peer that goes away before its greeting is reported as gone.
TEST_F(QmpClientTest, AnEndBeforeTheGreetingIsAnEnd) {
  peer_->Close();
  absl::Status status = client_->Negotiate(LongTime());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("greeting"), HasSubstr("source closed")));
}

// Answers find their commands by id, in whatever order they come.
TEST_F(QmpClientTest, AnswersAreMatchedById) {
  PendingReply first = Send("first"), second = Send("second");
  Json first_id = peer_->Hear()["id"], second_id = peer_->Hear()["id"];
  peer_->Return(second_id, 2);
  peer_->Return(first_id, 1);
  EXPECT_EQ(Receive(first)->Integer(), 1);
  EXPECT_EQ(Receive(second)->Integer(), 2);
  EXPECT_EQ(Receive(second).status().code(), absl::StatusCode::kInvalidArgument);
}

// A refusal carries class and description; that of an unknown command is a missing ability.
TEST_F(QmpClientTest, RefusalsCarryTheErrorOfQemu) {
  PendingReply refused = Send("migrate"), unknown = Send("x-colo-lost-heartbeat");
  for (const char* error_class : {"GenericError", "CommandNotFound"}) {
    Json error = Json::Object({{"class", error_class}, {"desc", "no: \"really\"\nnot"}});
    peer_->SayLine(Json::Object({{"id", peer_->Hear()["id"]}, {"error", error}}).Dump());
  }
  absl::Status status = Receive(refused).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("source: migrate"), HasSubstr("GenericError")));
  ASSERT_TRUE(QmpErrorOf(status).has_value());
  EXPECT_EQ(QmpErrorOf(status)->error_class, "GenericError");
  EXPECT_EQ(QmpErrorOf(status)->description, "no: \"really\"\nnot");
  EXPECT_EQ(Receive(unknown).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(client_->connected());
}

// A line that is not JSON breaks the conversation and is quoted.
TEST_F(QmpClientTest, GarbageIsAViolation) {
  absl::Status status = AfterViolation("Segmentation fault");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("query-status"), HasSubstr("Segmentation fault")));
}

// A line that is JSON but no object is none of QMP's.
TEST_F(QmpClientTest, AnArrayIsAViolation) {
  EXPECT_THAT(Message(AfterViolation(R"([{"return":{},"id":1}])")), HasSubstr("no JSON object"));
}

// An answer to an id that was never sent is nobody's.
TEST_F(QmpClientTest, AnUnknownIdIsAViolation) {
  EXPECT_THAT(Message(AfterViolation(R"({"return":{},"id":99})")), HasSubstr("to no command"));
}

// An answer without id, which QEMU gives to what it cannot parse, is shown.
TEST_F(QmpClientTest, AnAnswerWithoutIdIsAViolation) {
  EXPECT_THAT(Message(AfterViolation(R"({"error":{"class":"GenericError","desc":"bad JSON"}})")),
              HasSubstr("bad JSON"));
}

// An answer with neither result nor error violates the protocol.
TEST_F(QmpClientTest, AnEmptyAnswerIsAViolation) {
  PendingReply pending = Send("stop");
  peer_->SayLine(Json::Object({{"id", peer_->Hear()["id"]}}).Dump());
  absl::Status status = Receive(pending).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(status), HasSubstr("source: stop: an answer without return or error"));
}

// The first of two answers counts; the second one breaks the conversation for what follows.
TEST_F(QmpClientTest, ASecondAnswerIsAViolation) {
  PendingReply pending = Send("stop");
  Json id = peer_->Hear()["id"];
  peer_->Return(id, 1);
  peer_->Return(id, 2);
  EXPECT_EQ(Receive(pending)->Integer(), 1);
  absl::Status next = client_->Execute("cont", LongTime()).status();
  EXPECT_EQ(next.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(next), HasSubstr("to no command"));
}

// Half a line and then the end of the connection: both are told, and the half line is recorded.
TEST_F(QmpClientTest, AnEndInTheMiddleOfAnAnswerIsTold) {
  PendingReply pending = Send("query-migrate");
  peer_->Say(R"({"return": {"sta)");
  peer_->Close();
  absl::Status status = Receive(pending).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status),
              AllOf(HasSubstr("query-migrate"), HasSubstr("in the middle"), HasSubstr("{\"sta")));
  EXPECT_EQ(Entries().back(), R"(qmp< {"return": {"sta)");
  EXPECT_EQ(client_->Execute("stop", LongTime()).status().code(), absl::StatusCode::kUnavailable);
}

// A command without answer ends at its deadline; the answer that comes late harms nobody, and can
// still be had.
TEST_F(QmpClientTest, ALateAnswerIsNoViolation) {
  PendingReply late = Send("query-migrate");
  absl::Status status = client_->Receive(late, ShortTime()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), HasSubstr("the answer of source to query-migrate"));
  peer_->Return(peer_->Hear()["id"], "late");
  PendingReply next = Send("query-status");
  peer_->Return(peer_->Hear()["id"], "next");
  EXPECT_EQ(Receive(next)->Text(), "next");
  EXPECT_EQ(Receive(late)->Text(), "late");
}

// An answer of 64 MiB arrives whole.
TEST_F(QmpClientTest, AHugeAnswerArrivesWhole) {
  PendingReply pending = Send("human-monitor-command");
  std::string text(kHuge, 'x');
  peer_->Say(fmt::format(R"({{"id":{},"return":")", *peer_->Hear()["id"].Integer()));
  peer_->Say(text);
  peer_->SayLine("\"}");
  EXPECT_TRUE(Receive(pending)->Text() == text);
}

// A command that is larger than the socket's buffer arrives whole at a peer that reads.
TEST_F(QmpClientTest, AHugeCommandArrivesWhole) {
  std::string text(kMoreThanASocketHolds, 'x');
  auto heard = std::async(std::launch::async, [&] { return peer_->Hear(); });
  PendingReply pending = Send("human-monitor-command", Json::Object({{"line", text}}));
  Json command = heard.get();
  EXPECT_TRUE(command["arguments"]["line"].Text() == text);
}

// A command that the peer does not read ends at its deadline, and so does the conversation: the
// peer would take the next command for the rest of this one.
TEST_F(QmpClientTest, ACommandThatIsNotReadEndsTheConversation) {
  Json arguments = Json::Object({{"line", std::string(kMoreThanASocketHolds, 'x')}});
  absl::Status status = client_->Execute("stop", arguments, ShortTime()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("source: stop"), HasSubstr("not read")));
  absl::Status next = client_->Execute("cont", LongTime()).status();
  EXPECT_EQ(next.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(next), AllOf(HasSubstr("source: cont"), HasSubstr("read only")));
}

// While one thread is stuck in writing, the deadline of another one holds, and both go on later.
TEST_F(QmpClientTest, AStuckWriterDoesNotHoldOthersBeyondTheirDeadline) {
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
TEST_F(QmpClientTest, WritingToAGonePeerIsUnavailable) {
  peer_->StopReading();
  absl::Status status = client_->Execute("stop", LongTime()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("source: stop: source closed the QMP connection"));
}

// The end of the connection is explained by whoever knows about the process; a violation is not.
TEST_F(QmpClientTest, TheEndIsExplained) {
  client_->set_explain_end(
      [](const absl::Status&) { return absl::UnavailableError("source died with signal 11"); });
  PendingReply pending = Send("stop");
  peer_->Close();
  EXPECT_EQ(Message(Receive(pending).status()), "source: stop: source died with signal 11");
  absl::Status event = client_->WaitForEvent(0, "RESUME", LongTime()).status();
  EXPECT_EQ(Message(event), "awaiting event RESUME: source died with signal 11");
}

// A violation of the protocol is reported as such even where the end of a process can be explained.
TEST_F(QmpClientTest, AViolationIsNotExplainedAway) {
  client_->set_explain_end([](const absl::Status&) { return absl::UnavailableError("died"); });
  EXPECT_THAT(Message(AfterViolation("garbage")),
              AllOf(HasSubstr("garbage"), Not(HasSubstr("died"))));
}

// Events between answers keep their order, their times and their place behind a cursor.
TEST_F(QmpClientTest, EventsKeepOrderAndCursors) {
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
TEST_F(QmpClientTest, WaitForEventEndsWithThePeer) {
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
TEST_F(QmpClientTest, DescriptorsArriveWithTheCommand) {
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
TEST_F(QmpClientTest, BadDescriptorsAreRefused) {
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
TEST_F(QmpClientTest, TheConversationIsRecorded) {
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

// A process that dies unexpectedly ends the wait for an answer of another one.
TEST_F(QmpClientTest, AnInterruptionEndsTheWaitForAnAnswer) {
  PendingReply pending = Send("query-migrate");
  recording_.Interrupt(absl::UnavailableError("destination died"));
  EXPECT_THAT(Message(client_->Receive(pending, Deadline::After(absl::Hours(1))).status()),
              HasSubstr("destination died"));
}

// Commands of two threads, large ones among them, arrive whole and get their own answers; the
// recording has them in the order of the wire.
TEST_F(QmpClientTest, TwoThreadsExecuteAtOnce) {
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
TEST_F(QmpClientTest, DestructionWithOutstandingAnswersIsClean) {
  Send("query-status");
  std::thread talker([&] {
    for (int i = 0; i < 1000; ++i) peer_->SayLine(R"({"event":"STOP"})");
  });
  EXPECT_TRUE(client_->WaitForEvent(0, "STOP", LongTime()).ok());
  client_.reset();
  talker.join();
}

}  // namespace
}  // namespace tandem
