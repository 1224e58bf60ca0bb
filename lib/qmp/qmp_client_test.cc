// SPDX-License-Identifier: Apache-2.0
// The client against peers that answer well, badly, late or not at all.
#include "lib/qmp/qmp_client.h"

#include <gmock/gmock.h>

#include <future>

#include "lib/qmp/qmp_test_peer.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class QmpClientTest : public QmpClientFixture {
 protected:
  // What a command meets after the peer said `line`, which breaks the protocol.
  absl::Status AfterViolation(const std::string& line) {
    PendingReply pending = Send("query-status");
    peer_->SayLine(line);
    absl::Status status = Receive(pending).status();
    EXPECT_FALSE(client_->connected());
    EXPECT_EQ(client_->Execute("stop", LongTime()).status().code(), status.code());
    return status;
  }
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

// A process that dies unexpectedly ends the wait for an answer of another one.
TEST_F(QmpClientTest, AnInterruptionEndsTheWaitForAnAnswer) {
  PendingReply pending = Send("query-migrate");
  recording_.Interrupt(absl::UnavailableError("destination died"));
  EXPECT_THAT(Message(client_->Receive(pending, Deadline::After(absl::Hours(1))).status()),
              HasSubstr("destination died"));
}

}  // namespace
}  // namespace tandem
