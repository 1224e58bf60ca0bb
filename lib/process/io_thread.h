// SPDX-License-Identifier: Apache-2.0
// The one thread of a test process that drains every socket, console and pipe of all machines.
//
// Owners of descriptors register a handler; it runs on this thread whenever the descriptor is
// readable, reads what there is without blocking, and tells the Recording. Nobody else reads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "lib/base/unique_fd.h"

namespace tandem {

// Process-wide, made at first use and never destroyed. Thread-safe.
class IoThread {
 public:
  // Runs on the I/O thread when the descriptor is readable or hung up, and again while it is. Must
  // not block nor wait for a lock that a caller of Unwatch holds, and reads a bounded amount: all
  // others wait for it. Returns false to be removed.
  using Handler = std::function<bool()>;
  using WatchId = uint64_t;

  static IoThread& Instance();

  // The descriptor stays the caller's and must stay open until Unwatch has returned, also where the
  // handler has said no. Fails with the errno of what the system lacks for it. No id is 0.
  absl::StatusOr<WatchId> Watch(int fd, Handler handler);
  // When this returns the handler is not running and will not run again. Harmless for a watch that
  // has already ended.
  void Unwatch(WatchId id);

 private:
  struct Watched {
    int fd;
    std::shared_ptr<Handler> handler;
  };

  IoThread();
  void Run();
  void Dispatch(WatchId id);
  void Remove(WatchId id);  // with mutex_ held
  bool OnIoThread() const { return std::this_thread::get_id() == thread_.get_id(); }

  UniqueFd epoll_;
  absl::Status broken_;  // why there is no thread; OK when there is one
  std::mutex mutex_;     // not held while a handler runs
  std::condition_variable handler_returned_;
  std::unordered_map<WatchId, Watched> watches_;
  WatchId next_id_ = 1;
  WatchId running_ = 0;  // whose handler runs now
  std::thread thread_;
};

}  // namespace tandem
