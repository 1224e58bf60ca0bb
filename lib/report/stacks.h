// SPDX-License-Identifier: Apache-2.0
// The stacks of all threads of a process that hangs.
#pragma once

#include <sys/types.h>

#include <string>

#include "lib/base/deadline.h"

namespace tandem {

// From gdb ("thread apply all backtrace") when it is installed and may attach; else, or when it
// does not answer by `deadline`, what /proc tells of each thread: name, state, wait channel, system
// call, kernel stack. A stopped process (SIGSTOP) stays stopped. The text says which it is, and why
// it is not gdb's. Never fails: the reason stands in the text.
std::string CollectStacks(pid_t pid, const Deadline& deadline);

}  // namespace tandem
