// SPDX-License-Identifier: Apache-2.0
#include "lib/relay/relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "lib/base/status.h"
#include "lib/relay/stream_socket.h"

namespace tandem {
namespace {

constexpr char kOrigin[] = "relay";
// Until the next attempt where a full queue ends without any event.
constexpr int kRetryMs = 1;

}  // namespace

absl::StatusOr<std::unique_ptr<Relay>> Relay::Start(const MigrationAddress& listen,
                                                    const MigrationAddress& target,
                                                    const RelayOptions& options,
                                                    Recording& recording) {
  if (target.kind() != MigrationAddress::Kind::kTcp &&
      target.kind() != MigrationAddress::Kind::kUnix) {
    return MakeError(absl::StatusCode::kInvalidArgument, "no relay can connect to {}",
                     target.Uri());
  }
  std::unique_ptr<Relay> relay(new Relay(target, options, recording));
  TANDEM_RETURN_IF_ERROR(relay->Begin(listen));
  return relay;
}

absl::Status Relay::Begin(const MigrationAddress& listen) {
  stop_.reset(eventfd(0, EFD_CLOEXEC));
  if (!stop_.valid()) return ErrnoError(errno, "cannot make an eventfd");
  TANDEM_ASSIGN_OR_RETURN(listener_, ListenAt(listen));
  if (listen.kind() == MigrationAddress::Kind::kUnix) socket_file_ = listen.target();
  TANDEM_ASSIGN_OR_RETURN(address_, AddressOf(listener_.get(), listen));
  // Signals are for the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::Status started;
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    started = ErrnoError(error.code().value(), "cannot start the thread of a relay");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

Relay::~Relay() {
  if (thread_.joinable()) {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  if (!socket_file_.empty()) unlink(socket_file_.c_str());
}

void Relay::Run() {
  prctl(PR_SET_NAME, "tandem-relay");
  while (!stopping_) {
    AwaitWork();
    AcceptAll();
    AdvanceAll();
  }
}

void Relay::AwaitWork() {
  std::vector<pollfd> polled{{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                             {.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  bool again = false;
  for (const auto& channel : channels_) {
    channel->AddTo(polled);
    again = again || channel->must_try_again();
  }
  poll(polled.data(), polled.size(), again ? kRetryMs : -1);
  stopping_ = polled[0].revents != 0;
}

void Relay::AcceptAll() {
  for (;;) {
    UniqueFd accepted(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted.valid()) return StopListeningAfter(errno);
    const size_t index = channels_.size();
    std::optional<uint64_t> flipped_byte;
    if (options_.flip && options_.flip->channel == index) flipped_byte = options_.flip->byte;
    auto channel = std::make_unique<RelayChannel>(std::move(accepted), target_,
                                                  options_.recorded_bytes, flipped_byte);
    {
      std::lock_guard lock(mutex_);
      channels_.push_back(std::move(channel));
    }
    recording_.Append(kOrigin, EntryKind::kNote,
                      fmt::format("channel {} to {} opened", index, target_.Uri()));
  }
}

// What the system lacks (descriptors) it may lack for long, and the listener would stay readable.
void Relay::StopListeningAfter(int error) {
  if (error == EAGAIN || error == EINTR || error == ECONNABORTED) return;
  recording_.Append(kOrigin, EntryKind::kNote,
                    "takes no more channels: " + Message(ErrnoError(error, "accept")));
  listener_.reset();
}

void Relay::AdvanceAll() {
  for (size_t i = 0; i < channels_.size(); ++i) {
    RelayChannel& channel = *channels_[i];
    if (!channel.open()) continue;
    channel.Advance();
    if (!channel.open()) NoteEnd(i, channel);
  }
  uint64_t awaited = awaited_bytes_;
  if (awaited != UINT64_MAX && ForwardBytes() >= awaited) {
    awaited_bytes_ = UINT64_MAX;
    recording_.Notify();
  }
}

uint64_t Relay::ForwardBytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& channel : channels_) bytes += channel->forward().bytes();
  return bytes;
}

void Relay::NoteEnd(size_t index, const RelayChannel& channel) {
  absl::Status error = channel.error();
  recording_.Append(kOrigin, EntryKind::kNote,
                    fmt::format("channel {} ended after {} bytes forward and {} back{}", index,
                                channel.forward().bytes(), channel.backward().bytes(),
                                error.ok() ? "" : ": " + Message(error)));
}

std::vector<RelayedChannel> Relay::channels() const {
  std::lock_guard lock(mutex_);
  std::vector<RelayedChannel> result;
  for (const auto& channel : channels_) {
    // In this order: what is seen to have ended is complete.
    bool open = channel->open();
    result.push_back({.forward_bytes = channel->forward().bytes(),
                      .backward_bytes = channel->backward().bytes(),
                      .open = open,
                      .error = channel->error()});
  }
  return result;
}

std::string Relay::Recorded(size_t channel, RelayDirection direction) const {
  std::lock_guard lock(mutex_);
  if (channel >= channels_.size()) return "";
  const RelayChannel& found = *channels_[channel];
  return (direction == RelayDirection::kForward ? found.forward() : found.backward()).recorded();
}

absl::Status Relay::WaitForForwardBytes(uint64_t bytes, const Deadline& deadline) const {
  awaited_bytes_ = bytes;  // before the first look
  return recording_.Wait(
      deadline, fmt::format("{} bytes through the relay", bytes),
      [&] { return ForwardBytes() >= bytes; },
      [this] { return fmt::format("{} bytes came, {}", ForwardBytes(), Describe()); });
}

absl::Status Relay::WaitForEnd(size_t count, const Deadline& deadline) const {
  return recording_.Wait(
      deadline, fmt::format("the end of {} channels through the relay", count),
      [&] {
        std::vector<RelayedChannel> now = channels();
        return now.size() >= count &&
               std::none_of(now.begin(), now.end(), [](const auto& each) { return each.open; });
      },
      [this] { return Describe(); });
}

std::string Relay::Describe() const {
  std::vector<RelayedChannel> now = channels();
  auto open = std::count_if(now.begin(), now.end(), [](const auto& each) { return each.open; });
  return fmt::format("{} of {} channels are open", open, now.size());
}

}  // namespace tandem
