// SPDX-License-Identifier: Apache-2.0
// A small process that cleans up when the test process cannot.
//
// It is forked before the test process has threads, its successors later, on the I/O thread. It is
// in a session of its own and nobody's child, and holds one end of a pipe. When the test process
// ends in whatever way (return, abort, SIGKILL), the pipe closes; the guardian then kills every
// process that carries the owner's tag and removes the directories it was told of. It holds no
// other descriptor, so nobody waits for it.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "lib/base/unique_fd.h"
#include "lib/process/io_thread.h"

namespace tandem {

// Process-wide. Thread-safe. Call Instance() first from the main thread.
class Guardian {
 public:
  // Starts the guardian at first use. One that was killed has a successor at once.
  static Guardian& Instance();
  // Why there is none: nothing should be started that it could not clean up.
  absl::Status status();

  // The directory and all in it is removed when this process ends.
  absl::Status ProtectDirectory(const std::string& path);
  // The directory has been removed, or is to stay.
  void ForgetDirectory(const std::string& path);

  pid_t pid();

 private:
  Guardian() = default;
  // With mutex_ held.
  void StartIfDead();
  void Start();
  absl::Status Fork();
  bool OnDeath();  // on the I/O thread
  bool Send(char order, const std::string& path);
  void SendOrReplace(char order, const std::string& path);

  std::mutex mutex_;
  pid_t first_owner_ = -1;
  pid_t owner_ = -1;  // the process that started it; a fork of that one starts its own
  pid_t pid_ = -1;
  absl::Status status_;
  UniqueFd pipe_;
  IoThread::WatchId watch_ = 0;
  std::set<std::string> directories_;  // protected now; a successor is told them
};

}  // namespace tandem
