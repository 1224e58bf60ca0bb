// SPDX-License-Identifier: Apache-2.0
// For tests of the QMP client: the test plays the peer.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/qmp/qmp_client.h"

namespace tandem {

inline constexpr char kGreeting[] =
    R"({"QMP":{"version":{"qemu":{"major":9}},"capabilities":["oob"]}})";

// Far beyond what the tests take; a wait that runs into it has failed.
inline Deadline LongTime() { return Deadline::After(absl::Seconds(60)); }
inline Deadline ShortTime() { return Deadline::After(absl::Milliseconds(5)); }

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

// A client and its peer, connected.
class QmpClientFixture : public ::testing::Test {
 protected:
  QmpClientFixture() {
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

}  // namespace tandem
