// SPDX-License-Identifier: Apache-2.0
// A small process that cleans up when the test process cannot.
//
// It is forked before the test process has threads, in a session of its own, and holds one end of a
// pipe. When the test process ends in whatever way (return, abort, SIGKILL), the pipe closes; the
// guardian then kills every process that carries the owner's tag and removes the directories it was
// told of. It holds no other descriptor, so nobody waits for it.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>
#include <string>

#include "lib/base/unique_fd.h"

namespace tandem {

// Process-wide. Thread-safe. Call Instance() first from the main thread.
class Guardian {
 public:
  // Starts the guardian at first use, and again should someone have killed it.
  static Guardian& Instance();

  // The directory and all in it is removed when this process ends.
  void ProtectDirectory(const std::string& path);
  // The directory has been removed, or is to stay.
  void ForgetDirectory(const std::string& path);

  pid_t pid() const { return pid_; }

 private:
  Guardian() = default;
  void StartIfDead();
  void Start();
  bool Send(char order, const std::string& path);
  void SendOrReplace(char order, const std::string& path);

  std::mutex mutex_;
  pid_t owner_ = -1;  // the process that started it; a fork of that one starts its own
  pid_t pid_ = -1;
  UniqueFd pipe_;
  std::set<std::string> directories_;  // protected now; a successor is told them
};

}  // namespace tandem
