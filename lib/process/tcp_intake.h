// SPDX-License-Identifier: Apache-2.0
// How far a process has read what comes to it by TCP.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem {

// One TCP connection of a process, in the middle of its life. A value.
struct TcpIntake {
  int fd = -1;           // the process's own number for it
  uint64_t taken = 0;    // bytes that the process has read since the connection was made
  uint64_t waiting = 0;  // bytes that have arrived and that it can read now
};

// All TCP connections of a process, without listening sockets, by the number of their descriptor.
// Needs the rights that ptrace(2) needs, and Linux 5.6: PermissionDenied, Unimplemented.
absl::StatusOr<std::vector<TcpIntake>> TcpIntakesOf(pid_t pid);

}  // namespace tandem
