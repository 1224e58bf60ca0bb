// SPDX-License-Identifier: Apache-2.0
// One connection through a relay: two sockets and the two directions between them.
#pragma once

#include <poll.h>

#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "lib/base/unique_fd.h"
#include "lib/migration/address.h"
#include "lib/relay/relay_pipe.h"

namespace tandem {

// Owns its sockets until the connection has ended, and what is known of it for longer. Everything
// belongs to the relay's thread but the accessors forward, backward, open and error.
class RelayChannel {
 public:
  // `accepted` is a non-blocking socket. Connects onward at its first turn. Flips a bit of this
  // byte on its way to the target, if one is given.
  RelayChannel(UniqueFd accepted, const MigrationAddress& target, size_t recorded_bytes,
               std::optional<uint64_t> flipped_byte)
      : near_(std::move(accepted)),
        target_(target),
        forward_(recorded_bytes, flipped_byte),
        backward_(recorded_bytes) {}

  // Goes as far as it can without blocking, after a poll.
  void Advance();
  // What it waits for. Without interest in a socket, not even in its end.
  void AddTo(std::vector<pollfd>& polled) const;
  // It must be advanced soon, though no socket will tell: the target's queue is full.
  bool must_try_again() const { return open() && !far_.valid(); }

  // From the connecting side to the target, and back.
  const RelayPipe& forward() const { return forward_; }
  const RelayPipe& backward() const { return backward_; }
  // Whether bytes may still pass.
  bool open() const;
  // Why it ended, if not in order.
  absl::Status error() const;

 private:
  void Connect();
  void PassBytes();
  void Close();
  void Fail(const absl::Status& error);
  void End(const absl::Status& error);

  UniqueFd near_;  // the side that connected
  UniqueFd far_;   // the target
  const MigrationAddress target_;
  bool connected_ = false;  // far_ stands
  RelayPipe forward_, backward_;

  mutable std::mutex mutex_;
  bool open_ = true;
  absl::Status error_;
};

}  // namespace tandem
