// SPDX-License-Identifier: Apache-2.0
#include "lib/process/held_threads.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cerrno>

#include "lib/base/status.h"
#include "lib/process/process_tree.h"

namespace tandem {

absl::StatusOr<std::unique_ptr<HeldThreads>> HeldThreads::Hold(pid_t pid, const std::string& name) {
  std::unique_ptr<HeldThreads> held(new HeldThreads());
  for (pid_t thread : ThreadsNamed(pid, name)) TANDEM_RETURN_IF_ERROR(held->Add(thread));
  if (held->size() > 0) return held;
  return MakeError(absl::StatusCode::kNotFound, "process {} has no thread {}…", pid, name);
}

absl::StatusOr<std::unique_ptr<HeldThreads>> HeldThreads::HoldOne(pid_t thread) {
  std::unique_ptr<HeldThreads> held(new HeldThreads());
  TANDEM_RETURN_IF_ERROR(held->Add(thread));
  return held;
}

absl::Status HeldThreads::Add(pid_t thread) {
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
    return ErrnoError(errno, fmt::format("holding thread {}", thread));
  }
  threads_.push_back(thread);
  int status = 0;
  if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0 ||
      waitpid(thread, &status, __WALL) != thread) {
    return ErrnoError(errno, fmt::format("stopping thread {}", thread));
  }
  return absl::OkStatus();
}

HeldThreads::~HeldThreads() {
  for (pid_t thread : threads_) ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
}

}  // namespace tandem
