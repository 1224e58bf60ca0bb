// SPDX-License-Identifier: Apache-2.0
// One thread of another process that runs from one place to the next, while its other threads run
// freely: an unlucky order of events, which a busy host brings about now and then, made certain
// (ptrace(2), the processor's debug registers). x86_64 only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"

namespace tandem {

// Where a thread stands, by the calling convention of System V.
struct ThreadPosition {
  uint64_t instruction = 0;  // address of the next one
  uint64_t stack = 0;
  uint64_t first_argument = 0, third_argument = 0;  // at the entry of a function
  uint64_t result = 0;                              // just after its return
};

// Lets the thread go on when it is destroyed. Belongs to the thread that made it; no debugger can
// look at the other one meanwhile.
class TracedThread {
 public:
  // What happens at an address.
  enum class Happens { kExecuted, kWritten, kTouched };

  // Stops the first thread of `pid` whose name (comm) begins with `name`. NotFound when there is
  // none; PermissionDenied where ptrace is not permitted; Unimplemented on another processor.
  static absl::StatusOr<std::unique_ptr<TracedThread>> Stop(pid_t pid, const std::string& name);
  TracedThread(const TracedThread&) = delete;
  TracedThread& operator=(const TracedThread&) = delete;
  ~TracedThread();

  // Lets the thread run until the instruction at `address` is about to be executed, or the aligned
  // 8 bytes there have been written, or have been read or written; then it stands still again.
  // DeadlineExceeded, with the thread still running; Unavailable when it ends before.
  absl::StatusOr<ThreadPosition> RunUntil(Happens what, uint64_t address, const Deadline& deadline);

  // Lets the thread run until it has made another one, and returns that: before its first
  // instruction, without its name. Both stand. Errors as RunUntil.
  absl::StatusOr<std::unique_ptr<TracedThread>> RunUntilItMakesThread(const Deadline& deadline);

  // Of the process, at an aligned address; while the thread stands.
  absl::StatusOr<uint64_t> ReadWord(uint64_t address) const;

 private:
  explicit TracedThread(pid_t thread) : thread_(thread) {}
  absl::Status SetDebugRegister(int number, uint64_t value) const;
  // Until a trap, or with `event` until that event of ptrace.
  absl::Status AwaitTrap(const Deadline& deadline, int event = 0);

  const pid_t thread_;
  bool stands_ = false;
};

}  // namespace tandem
