// SPDX-License-Identifier: Apache-2.0
// A byte relay between two machines: the source connects to it, and it connects to the destination.
// It sees all channels of a migration, with no privileges and no help of the kernel.
//
// A thread of its own passes bytes on, so that a stream at full speed does not delay the I/O
// thread, which hears the machines.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/base/recording.h"
#include "lib/base/unique_fd.h"
#include "lib/migration/address.h"
#include "lib/relay/relay_channel.h"

namespace tandem {

// A bit that does not arrive as it was sent, in what comes from the connecting side.
struct BitFlip {
  size_t channel = 0;  // in the order of connections
  uint64_t byte = 0;   // of the channel, from its beginning
};

// What a relay does besides passing bytes on.
struct RelayOptions {
  size_t recorded_bytes =
      0;  // kept of each channel and direction, from its beginning; default none
  std::optional<BitFlip> flip = std::nullopt;
};

// Which way bytes go.
enum class RelayDirection {
  kForward,   // from the side that connected to the target
  kBackward,  // from the target
};

// One connection through a relay, in the order in which they were made. A value.
struct RelayedChannel {
  uint64_t forward_bytes = 0, backward_bytes = 0;  // taken from the sender
  bool open = true;
  absl::Status error;  // why it ended: the target refused it, a side reset it; OK: in order
};

// Owns a listening socket, a thread and two sockets for each open channel. All end when it is
// destroyed, also in the middle of a transfer, and its unix socket's file is removed. A side that
// ends or resets its connection is passed on as such. Thread-safe, except Start and the destructor.
class Relay {
 public:
  // Listens at `listen` (TCP port 0: the kernel chooses) for connections to `target`, TCP or unix,
  // hosts as numbers. `recording`, which must outlive the relay, gets a note of each channel.
  // Errors: InvalidArgument for other addresses, else the errno of what failed.
  static absl::StatusOr<std::unique_ptr<Relay>> Start(const MigrationAddress& listen,
                                                      const MigrationAddress& target,
                                                      const RelayOptions& options,
                                                      Recording& recording);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  // Where to connect to.
  const MigrationAddress& address() const { return address_; }
  // All channels so far, those that have ended too.
  std::vector<RelayedChannel> channels() const;
  // The first bytes of one, as many as RelayOptions asked for; empty when there is no such channel.
  std::string Recorded(size_t channel, RelayDirection direction) const;
  // Awaits that all channels together have taken so many bytes from the connecting side. Errors:
  // those of Recording::Wait.
  absl::Status WaitForForwardBytes(uint64_t bytes, const Deadline& deadline) const;
  // Awaits that `count` channels were made, and that none is open any more: all that the two sides
  // said was heard. Errors: those of Recording::Wait.
  absl::Status WaitForEnd(size_t count, const Deadline& deadline) const;

 private:
  Relay(const MigrationAddress& target, const RelayOptions& options, Recording& recording)
      : address_(target), target_(target), options_(options), recording_(recording) {}
  absl::Status Begin(const MigrationAddress& listen);
  void Run();
  void AwaitWork();
  void AcceptAll();
  void StopListeningAfter(int error);
  void AdvanceAll();
  void NoteEnd(size_t index, const RelayChannel& channel);
  std::string Describe() const;
  uint64_t ForwardBytes() const;

  MigrationAddress address_;
  const MigrationAddress target_;
  const RelayOptions options_;
  Recording& recording_;
  UniqueFd listener_;
  std::string socket_file_;  // of the listener; empty with TCP
  UniqueFd stop_;            // an eventfd: readable when the thread must end
  bool stopping_ = false;

  mutable std::atomic<uint64_t> awaited_bytes_{UINT64_MAX};  // of WaitForForwardBytes

  mutable std::mutex mutex_;  // of the vector; only the thread adds to it
  std::vector<std::unique_ptr<RelayChannel>> channels_;  // lives until the relay ends
  std::thread thread_;
};

}  // namespace tandem
