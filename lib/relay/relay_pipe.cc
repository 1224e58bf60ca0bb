// SPDX-License-Identifier: Apache-2.0
#include "lib/relay/relay_pipe.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace tandem {
namespace {

bool IsWorthAnotherTry(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

RelayPipe::Outcome RelayPipe::Pump(int from, int to) {
  if (wants_to_read() && Read(from) == Outcome::kReset) return Outcome::kReset;
  if (wants_to_write()) Write(to);
  return Outcome::kGoesOn;
}

RelayPipe::Outcome RelayPipe::Read(int from) {
  if (!buffer_) buffer_ = std::make_unique<std::array<char, kBufferBytes>>();
  ssize_t count = recv(from, buffer_->data(), buffer_->size(), 0);
  if (count < 0) return IsWorthAnotherTry(errno) ? Outcome::kGoesOn : Outcome::kReset;
  begin_ = 0;
  end_ = static_cast<size_t>(count);
  ended_ = count == 0;
  Account(buffer_->data(), end_);
  FlipBit();
  return Outcome::kGoesOn;
}

void RelayPipe::Write(int to) {
  ssize_t count = send(to, buffer_->data() + begin_, pending(), MSG_NOSIGNAL);
  if (count >= 0) {
    begin_ += static_cast<size_t>(count);
  } else if (!IsWorthAnotherTry(errno)) {
    broken_ = true;
  }
}

void RelayPipe::Account(const char* data, size_t size) {
  std::lock_guard lock(mutex_);
  bytes_ += size;
  recorded_.append(data, std::min(size, recorded_bytes_ - recorded_.size()));
}

void RelayPipe::FlipBit() {
  const uint64_t first = bytes() - end_;  // of the stream, in the buffer
  if (!flipped_byte_ || *flipped_byte_ < first || *flipped_byte_ >= first + end_) return;
  (*buffer_)[*flipped_byte_ - first] ^= 0x10;
}

uint64_t RelayPipe::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

std::string RelayPipe::recorded() const {
  std::lock_guard lock(mutex_);
  return recorded_;
}

}  // namespace tandem
