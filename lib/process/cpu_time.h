// SPDX-License-Identifier: Apache-2.0
// How much a process has worked.
#pragma once

#include <sys/types.h>

#include "absl/time/time.h"

namespace tandem {

// The CPU time that all threads of a process have used, user and system, to 10 ms (utime and stime
// of proc(5)); zero when there is no such process.
absl::Duration CpuTimeOf(pid_t pid);

}  // namespace tandem
