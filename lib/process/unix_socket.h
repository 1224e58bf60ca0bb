// SPDX-License-Identifier: Apache-2.0
// Unix sockets: those that QEMU's chardevs connect to, and those of its own.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "lib/base/unique_fd.h"

namespace tandem {

// A non-blocking listening socket at `path`. Errors name the path (107 bytes at most).
absl::StatusOr<UniqueFd> ListenUnix(const std::string& path);

// A blocking connection to the socket at `path`. Errors name the path.
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path);

// Takes the waiting connection as a non-blocking socket; Unavailable when none waits.
absl::StatusOr<UniqueFd> AcceptUnix(int listener);

// The pid of the process that connected (SO_PEERCRED), which is QEMU's even where a wrapper was
// started in front of it.
pid_t PeerPid(int socket);

}  // namespace tandem
