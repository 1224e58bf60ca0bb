// SPDX-License-Identifier: Apache-2.0
// Non-blocking stream sockets at a MigrationAddress, TCP or unix.
#pragma once

#include "absl/status/statusor.h"
#include "lib/base/unique_fd.h"
#include "lib/migration/address.h"

namespace tandem {

// Listens at `address`, whose host must be a number. InvalidArgument for other transports, else the
// errno and the address.
absl::StatusOr<UniqueFd> ListenAt(const MigrationAddress& address);

// The address of a listener: with the port that the kernel chose.
absl::StatusOr<MigrationAddress> AddressOf(int listener, const MigrationAddress& asked_for);

// Begins to connect. The descriptor gets writable when it is decided (ConnectionError). Unavailable
// while a unix socket's queue is full, which nothing announces the end of.
absl::StatusOr<UniqueFd> BeginConnect(const MigrationAddress& address);

// OK when the connection that was begun stands; else why it does not.
absl::Status ConnectionError(int socket, const MigrationAddress& address);

// Sends what is written at once (TCP_NODELAY); no effect on a unix socket.
void SendAtOnce(int socket);

// Closes so that the peer sees a reset (TCP) instead of an orderly end.
void CloseWithReset(UniqueFd& socket);

}  // namespace tandem
