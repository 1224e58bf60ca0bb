// SPDX-License-Identifier: Apache-2.0
// One direction of one channel of a relay: what is read from one socket is written to another.
//
// This is the place for faults: what delays, holds, alters or drops bytes stands between Read and
// Write.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace tandem {

// Counts and keeps what passes. `Pump` and the predicates belong to the relay's thread, the rest is
// thread-safe.
class RelayPipe {
 public:
  // Keeps the first `recorded_bytes`, as they were sent. The receiver gets one bit of
  // `flipped_byte`, counted from the beginning, wrong.
  explicit RelayPipe(size_t recorded_bytes, std::optional<uint64_t> flipped_byte = std::nullopt)
      : recorded_bytes_(recorded_bytes), flipped_byte_(flipped_byte) {}

  // What came of a turn.
  enum class Outcome {
    kGoesOn,
    kReset,  // the sender has reset its connection
  };
  // Moves what can be moved without blocking, a bounded amount, from `from` to `to`; passes the
  // sender's end on once all before it is written.
  Outcome Pump(int from, int to);

  // Whether Pump could do something once `from` is readable, or `to` writable.
  bool wants_to_read() const { return !ended_ && !broken_ && pending() == 0; }
  bool wants_to_write() const { return !broken_ && pending() > 0; }
  // No more bytes will pass: the sender ended, or the receiver takes no more.
  bool finished() const { return broken_ || (ended_ && pending() == 0); }

  // What was taken from the sender, whether the receiver got it or not.
  uint64_t bytes() const;
  // The first part of it, as much as was asked for.
  std::string recorded() const;

 private:
  static constexpr size_t kBufferBytes = 64 << 10;

  size_t pending() const { return end_ - begin_; }
  Outcome Read(int from);
  void Write(int to);
  void Account(const char* data, size_t size);
  void FlipBit();

  const size_t recorded_bytes_;
  const std::optional<uint64_t> flipped_byte_;
  std::unique_ptr<std::array<char, kBufferBytes>> buffer_;  // made when first needed
  size_t begin_ = 0, end_ = 0;                              // of what is not yet written in it
  bool ended_ = false;                                      // the sender will send no more
  bool broken_ = false;                                     // the receiver takes no more

  mutable std::mutex mutex_;
  uint64_t bytes_ = 0;
  std::string recorded_;
};

}  // namespace tandem
