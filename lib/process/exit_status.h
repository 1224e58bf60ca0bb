// SPDX-License-Identifier: Apache-2.0
// How a process ended, as a value.
#pragma once

#include <sys/wait.h>

#include <string>

namespace tandem {

// A value; the default is success.
struct ExitStatus {
  enum class Kind { kExited, kSignaled };

  Kind kind = Kind::kExited;
  int value = 0;  // exit code, or signal number
  bool core_dumped = false;

  bool succeeded() const { return kind == Kind::kExited && value == 0; }
  // "exit code 1", "signal 6 (SIGABRT), core dumped"
  std::string ToString() const;

  // From what waitid(2) with WEXITED stored.
  static ExitStatus FromSiginfo(const siginfo_t& info);
};

}  // namespace tandem
