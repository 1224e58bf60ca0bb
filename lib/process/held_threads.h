// SPDX-License-Identifier: Apache-2.0
// Single threads of another process that stand still while its others run: what a busy host may do
// to any thread at any moment, made certain (ptrace(2)).
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem {

// Lets the threads go on when it is destroyed. Belongs to the thread that made it; no debugger can
// look at them meanwhile.
class HeldThreads {
 public:
  // Stops all threads of `pid` whose name (comm) begins with `name`, and returns when they stand.
  // NotFound when there is none; PermissionDenied where ptrace is not permitted.
  static absl::StatusOr<std::unique_ptr<HeldThreads>> Hold(pid_t pid, const std::string& name);
  // Stops one thread, and returns when it stands. PermissionDenied likewise.
  static absl::StatusOr<std::unique_ptr<HeldThreads>> HoldOne(pid_t thread);
  HeldThreads(const HeldThreads&) = delete;
  HeldThreads& operator=(const HeldThreads&) = delete;
  ~HeldThreads();

  size_t size() const { return threads_.size(); }

 private:
  HeldThreads() = default;
  absl::Status Add(pid_t thread);

  std::vector<pid_t> threads_;
};

}  // namespace tandem
