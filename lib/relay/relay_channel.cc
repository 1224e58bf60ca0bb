// SPDX-License-Identifier: Apache-2.0
#include "lib/relay/relay_channel.h"

#include <sys/socket.h>

#include "lib/relay/stream_socket.h"

namespace tandem {
namespace {

bool IsWritable(int socket) {
  pollfd polled{.fd = socket, .events = POLLOUT, .revents = 0};
  return poll(&polled, 1, 0) == 1;
}

short Events(bool read, bool write) {
  return static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
}

}  // namespace

void RelayChannel::Advance() {
  if (!open()) return;
  if (!connected_) Connect();
  if (connected_) PassBytes();
}

void RelayChannel::Connect() {
  if (!far_.valid()) {
    absl::StatusOr<UniqueFd> begun = BeginConnect(target_);
    if (absl::IsUnavailable(begun.status())) return;
    if (!begun.ok()) return Fail(begun.status());
    far_ = *std::move(begun);
  }
  if (!IsWritable(far_.get())) return;
  if (absl::Status error = ConnectionError(far_.get(), target_); !error.ok()) return Fail(error);
  SendAtOnce(near_.get());
  SendAtOnce(far_.get());
  connected_ = true;
}

void RelayChannel::PassBytes() {
  struct Direction {
    RelayPipe& pipe;
    int from, to;
    const char* sender;
  };
  for (const Direction& each : {Direction{forward_, near_.get(), far_.get(), "the connecting side"},
                                Direction{backward_, far_.get(), near_.get(), "the target"}}) {
    if (each.pipe.finished()) continue;
    if (each.pipe.Pump(each.from, each.to) == RelayPipe::Outcome::kReset) {
      return Fail(absl::AbortedError(std::string(each.sender) + " has reset the connection"));
    }
    if (each.pipe.finished()) shutdown(each.to, SHUT_WR);
  }
  if (forward_.finished() && backward_.finished()) Close();
}

void RelayChannel::AddTo(std::vector<pollfd>& polled) const {
  auto add = [&polled](int fd, short events) {
    if (events != 0) polled.push_back({.fd = fd, .events = events, .revents = 0});
  };
  if (!open() || !far_.valid()) return;
  if (!connected_) return add(far_.get(), POLLOUT);
  add(near_.get(), Events(forward_.wants_to_read(), backward_.wants_to_write()));
  add(far_.get(), Events(backward_.wants_to_read(), forward_.wants_to_write()));
}

void RelayChannel::Close() {
  near_.reset();
  far_.reset();
  End(absl::OkStatus());
}

void RelayChannel::Fail(const absl::Status& error) {
  CloseWithReset(near_);
  CloseWithReset(far_);
  End(error);
}

void RelayChannel::End(const absl::Status& error) {
  std::lock_guard lock(mutex_);
  open_ = false;
  error_ = error;
}

bool RelayChannel::open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

absl::Status RelayChannel::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

}  // namespace tandem
