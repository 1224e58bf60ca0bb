// SPDX-License-Identifier: Apache-2.0
// The relay between real sockets.
#include "lib/relay/relay.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <future>
#include <optional>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/relay/stream_socket.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLarge = 20 << 20;  // much more than all buffers of the kernel

// Far beyond what the tests take.
Deadline LongTime() { return Deadline::After(absl::Seconds(60)); }

size_t CountEntries(const char* folder) {
  std::filesystem::directory_iterator entries(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}
size_t CountFds() { return CountEntries("/proc/self/fd"); }
size_t CountThreads() { return CountEntries("/proc/self/task"); }

// So that blocking calls end where a relay fails to pass something on.
void Block(int socket) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
  timeval patience{.tv_sec = 30, .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool IsReadable(int socket) {
  pollfd polled{.fd = socket, .events = POLLIN, .revents = 0};
  return poll(&polled, 1, 30'000) == 1;
}

UniqueFd Connect(const MigrationAddress& address) {
  UniqueFd connection = BeginConnect(address).value();
  Block(connection.get());
  pollfd polled{.fd = connection.get(), .events = POLLOUT, .revents = 0};
  poll(&polled, 1, 30'000);
  return connection;
}

UniqueFd Accept(int listener) {
  UniqueFd accepted(IsReadable(listener) ? accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1);
  Block(accepted.get());
  return accepted;
}

// Whether all could be sent.
bool Send(int socket, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    ssize_t count = send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

// All until the sender's end, a failure (errno is set) or `size` bytes.
std::string Receive(int socket, size_t size) {
  std::string text;
  std::array<char, 65536> buffer;
  errno = 0;
  while (text.size() < size) {
    ssize_t count = recv(socket, buffer.data(), std::min(buffer.size(), size - text.size()), 0);
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(count));
  }
  return text;
}
std::string ReceiveAll(int socket) { return Receive(socket, std::string::npos); }

// Something whose every part is different.
std::string Pattern(size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (char& byte : text) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return text;
}

// By the transport on both sides of the relay.
class RelayTest : public ::testing::TestWithParam<MigrationAddress::Kind> {
 protected:
  // Two ends of one channel.
  struct Ends {
    UniqueFd near, far;
  };

  void SetUp() override {
    scratch_ = ScratchDirectory::Create().value();  // the first one starts a guardian
    fds_before_ = CountFds();
    threads_before_ = CountThreads();
    MigrationAddress asked_for = SomeAddress("target");
    listener_ = ListenAt(asked_for).value();
    target_ = AddressOf(listener_.get(), asked_for).value();
    Start({.recorded_bytes = kLarge * 2});
  }

  void TearDown() override {
    relay_.reset();
    EXPECT_FALSE(std::filesystem::exists(scratch_->File("relay")));
    listener_.reset();
    EXPECT_EQ(CountFds(), fds_before_);
    EXPECT_EQ(CountThreads(), threads_before_);
  }

  void Start(const RelayOptions& options) {
    relay_.reset();
    relay_ = Relay::Start(SomeAddress("relay"), *target_, options, recording_).value();
  }
  MigrationAddress SomeAddress(const char* name) {
    return GetParam() == MigrationAddress::Kind::kUnix
               ? MigrationAddress::Unix(scratch_->File(name))
               : MigrationAddress::Tcp("127.0.0.1", 0);
  }
  Ends MakeChannel() {
    UniqueFd near = Connect(relay_->address());
    return {std::move(near), Accept(listener_.get())};
  }

  size_t fds_before_ = 0, threads_before_ = 0;
  Recording recording_;
  std::unique_ptr<ScratchDirectory> scratch_;
  UniqueFd listener_;
  std::optional<MigrationAddress> target_;
  std::unique_ptr<Relay> relay_;
};

// Both ways at once, more than the kernel buffers; every byte arrives, is counted and recorded.
TEST_P(RelayTest, PassesLargeTransfersBothWays) {
  Ends ends = MakeChannel();
  std::string forth = Pattern(kLarge, 1), back = Pattern(kLarge + 1, 2);
  auto sender = std::async([&] { return Send(ends.near.get(), forth); });
  auto answerer = std::async([&] { return Send(ends.far.get(), back); });
  auto receiver = std::async([&] { return Receive(ends.near.get(), back.size()); });
  EXPECT_TRUE(Receive(ends.far.get(), forth.size()) == forth);
  EXPECT_TRUE(receiver.get() == back);
  EXPECT_TRUE(sender.get() && answerer.get());
  ends.near.reset();
  ends.far.reset();
  EXPECT_TRUE(relay_->WaitForEnd(1, LongTime()).ok());
  RelayedChannel channel = relay_->channels().at(0);
  EXPECT_EQ(channel.forward_bytes, forth.size());
  EXPECT_EQ(channel.backward_bytes, back.size());
  EXPECT_TRUE(channel.error.ok()) << channel.error;
  EXPECT_TRUE(relay_->Recorded(0, RelayDirection::kForward) == forth);
  EXPECT_TRUE(relay_->Recorded(0, RelayDirection::kBackward) == back);
}

// One side has said all: the other hears the end and goes on talking.
TEST_P(RelayTest, PassesAHalfCloseOn) {
  Ends ends = MakeChannel();
  EXPECT_TRUE(Send(ends.near.get(), "question"));
  shutdown(ends.near.get(), SHUT_WR);
  EXPECT_EQ(ReceiveAll(ends.far.get()), "question");
  EXPECT_EQ(errno, 0);
  EXPECT_TRUE(relay_->channels().at(0).open);
  EXPECT_TRUE(Send(ends.far.get(), "answer"));
  ends.far.reset();
  EXPECT_EQ(ReceiveAll(ends.near.get()), "answer");
  EXPECT_TRUE(relay_->WaitForEnd(1, LongTime()).ok());
}

// What nobody takes is not read either: a sender is held back, as without a relay.
TEST_P(RelayTest, HoldsASenderBack) {
  Ends ends = MakeChannel();
  std::string forth = Pattern(kLarge, 3);
  auto sender = std::async([&] { return Send(ends.near.get(), forth); });
  std::string received = Receive(ends.far.get(), 1000);
  EXPECT_EQ(sender.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_LT(relay_->channels().at(0).forward_bytes, kLarge);
  received += Receive(ends.far.get(), kLarge - received.size());
  EXPECT_TRUE(sender.get());
  EXPECT_TRUE(received == forth);
}

// Channels are numbered in the order in which they were made, and do not mix.
TEST_P(RelayTest, KeepsManyChannelsApart) {
  constexpr unsigned kChannels = 64;
  std::vector<Ends> all;
  for (unsigned i = 0; i < kChannels; ++i) all.push_back(MakeChannel());
  for (unsigned i = 0; i < kChannels; ++i) {
    EXPECT_TRUE(Send(all[i].near.get(), Pattern(1000 + i, i)));
    EXPECT_TRUE(Send(all[i].far.get(), Pattern(i, i)));
  }
  for (unsigned i = 0; i < kChannels; ++i) {
    EXPECT_EQ(Receive(all[i].far.get(), 1000 + i), Pattern(1000 + i, i));
    EXPECT_EQ(Receive(all[i].near.get(), i), Pattern(i, i));
    EXPECT_EQ(relay_->Recorded(i, RelayDirection::kForward), Pattern(1000 + i, i));
  }
  EXPECT_EQ(relay_->Recorded(kChannels, RelayDirection::kForward), "");
  all.clear();
  EXPECT_TRUE(relay_->WaitForEnd(kChannels, LongTime()).ok());
}

// A target that refuses ends the channel, and only this one.
TEST_P(RelayTest, EndsAChannelThatIsRefused) {
  listener_.reset();
  if (GetParam() == MigrationAddress::Kind::kUnix) std::filesystem::remove(target_->target());
  UniqueFd near = Connect(relay_->address());
  EXPECT_EQ(ReceiveAll(near.get()), "");
  EXPECT_TRUE(relay_->WaitForEnd(1, LongTime()).ok());
  EXPECT_THAT(relay_->channels().at(0).error.ToString(),
              HasSubstr("cannot connect to " + target_->Uri()));
  listener_ = ListenAt(*target_).value();
  Ends ends = MakeChannel();
  EXPECT_TRUE(Send(ends.near.get(), "x"));
  EXPECT_EQ(Receive(ends.far.get(), 1), "x");
}

// The target is gone in the middle of a transfer: the sender learns it.
TEST_P(RelayTest, TellsTheSenderThatTheTargetIsGone) {
  Ends ends = MakeChannel();
  auto sender = std::async([&] { return Send(ends.near.get(), Pattern(kLarge, 4)); });
  EXPECT_EQ(Receive(ends.far.get(), 1000).size(), 1000u);
  ends.far.reset();
  EXPECT_FALSE(sender.get());
  EXPECT_TRUE(relay_->WaitForEnd(1, LongTime()).ok());
}

// Only the first part is kept, when so asked for; all is counted.
TEST_P(RelayTest, RecordsNoMoreThanAskedFor) {
  Start({.recorded_bytes = 100});
  Ends ends = MakeChannel();
  std::string forth = Pattern(5000, 5);
  EXPECT_TRUE(Send(ends.near.get(), forth));
  EXPECT_EQ(Receive(ends.far.get(), forth.size()), forth);
  EXPECT_EQ(relay_->Recorded(0, RelayDirection::kForward), forth.substr(0, 100));
  EXPECT_EQ(relay_->channels().at(0).forward_bytes, 5000u);
}

// One bit arrives wrong, in one channel and one direction; what was sent is recorded.
TEST_P(RelayTest, FlipsABit) {
  Start({.recorded_bytes = kLarge, .flip = BitFlip{.channel = 1, .byte = 100'000}});
  std::string sent = Pattern(200'000, 8), damaged = sent;
  damaged[100'000] ^= 0x10;
  for (size_t channel = 0; channel < 3; ++channel) {
    Ends ends = MakeChannel();
    auto sender = std::async([&] { return Send(ends.near.get(), sent); });
    EXPECT_TRUE(Receive(ends.far.get(), sent.size()) == (channel == 1 ? damaged : sent));
    EXPECT_TRUE(sender.get());
    EXPECT_TRUE(relay_->Recorded(channel, RelayDirection::kForward) == sent);
    auto answer = std::async([&] { return Send(ends.far.get(), sent); });
    EXPECT_TRUE(Receive(ends.near.get(), sent.size()) == sent);
    EXPECT_TRUE(answer.get());
  }
}

// Destroyed while both sides wait: both see their connection end. TearDown looks at what is left.
TEST_P(RelayTest, EndsInTheMiddleOfATransfer) {
  Ends ends = MakeChannel();
  auto sender = std::async([&] { return Send(ends.near.get(), Pattern(kLarge, 6)); });
  EXPECT_EQ(Receive(ends.far.get(), 1000).size(), 1000u);
  relay_.reset();
  EXPECT_FALSE(sender.get());
  EXPECT_LT(ReceiveAll(ends.far.get()).size(), kLarge);
}

// A wait for bytes ends when they have come over all channels, and tells how many came.
TEST_P(RelayTest, AwaitsBytesOfAllChannels) {
  Ends first = MakeChannel(), second = MakeChannel();
  auto wait = [&](absl::Duration time) {
    return relay_->WaitForForwardBytes(10, Deadline::AfterUnscaled(time));
  };
  EXPECT_TRUE(Send(first.near.get(), "12345"));
  EXPECT_TRUE(Send(second.far.get(), "back"));
  EXPECT_EQ(Receive(first.far.get(), 5), "12345");
  EXPECT_THAT(wait(absl::Milliseconds(5)).ToString(), HasSubstr("5 bytes came"));
  auto waiter = std::async([&] { return wait(absl::Seconds(60)); });
  EXPECT_TRUE(Send(second.near.get(), "67890"));
  EXPECT_TRUE(waiter.get().ok());
}

// A wait for the end of channels that do not end tells how many.
TEST_P(RelayTest, TimeoutsSayWhatIsOpen) {
  Ends ends = MakeChannel();
  EXPECT_THAT(relay_->WaitForEnd(2, Deadline::AfterUnscaled(absl::Milliseconds(5))).ToString(),
              HasSubstr("1 of 1 channels are open"));
}

INSTANTIATE_TEST_SUITE_P(Relay, RelayTest,
                         ::testing::Values(MigrationAddress::Kind::kTcp,
                                           MigrationAddress::Kind::kUnix),
                         [](const auto& each) {
                           return each.param == MigrationAddress::Kind::kTcp ? "Tcp" : "Unix";
                         });

// Of TCP the kernel itself takes care.
class UnixRelayTest : public RelayTest {};

// More connections than the target's queue takes wait, in order, until it accepts them.
TEST_P(UnixRelayTest, WaitsForATargetThatIsSlowToAccept) {
  constexpr unsigned kChannels = 8;
  ASSERT_EQ(listen(listener_.get(), 1), 0);
  std::vector<UniqueFd> near;
  for (unsigned i = 0; i < kChannels; ++i) {
    near.push_back(Connect(relay_->address()));
    EXPECT_TRUE(Send(near.back().get(), std::string(1, static_cast<char>('a' + i))));
  }
  std::string letters;
  for (unsigned i = 0; i < kChannels; ++i) letters += Receive(Accept(listener_.get()).get(), 1);
  std::sort(letters.begin(), letters.end());
  EXPECT_EQ(letters, "abcdefgh");
}

INSTANTIATE_TEST_SUITE_P(Relay, UnixRelayTest, ::testing::Values(MigrationAddress::Kind::kUnix));

// A connection that is reset, not ended, is passed on as such.
TEST(TcpRelayTest, PassesAResetOn) {
  Recording recording;
  UniqueFd listener = ListenAt(MigrationAddress::Tcp("::1", 0)).value();
  MigrationAddress target = AddressOf(listener.get(), MigrationAddress::Tcp("::1", 0)).value();
  auto relay =
      Relay::Start(MigrationAddress::Tcp("127.0.0.1", 0), target, RelayOptions(), recording);
  UniqueFd near = Connect((*relay)->address());
  UniqueFd far = Accept(listener.get());
  CloseWithReset(near);
  EXPECT_EQ(ReceiveAll(far.get()), "");
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_TRUE((*relay)->WaitForEnd(1, LongTime()).ok());
  EXPECT_THAT((*relay)->channels().at(0).error.ToString(),
              HasSubstr("the connecting side has reset"));
}

// What cannot work is said at once.
TEST(TcpRelayTest, RefusesOtherTransports) {
  Recording recording;
  auto start = [&](const MigrationAddress& listen, const MigrationAddress& target) {
    return Relay::Start(listen, target, RelayOptions(), recording).status();
  };
  MigrationAddress tcp = MigrationAddress::Tcp("127.0.0.1", 0), fd = MigrationAddress::Fd("x");
  EXPECT_TRUE(absl::IsInvalidArgument(start(fd, tcp)));
  EXPECT_TRUE(absl::IsInvalidArgument(start(tcp, fd)));
  EXPECT_TRUE(absl::IsInvalidArgument(start(MigrationAddress::Tcp("host", 0), tcp)));
  EXPECT_THAT(start(MigrationAddress::Unix("/nowhere/x"), tcp).ToString(), HasSubstr("/nowhere/x"));
}

}  // namespace
}  // namespace tandem
