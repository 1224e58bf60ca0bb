// SPDX-License-Identifier: Apache-2.0
#include "lib/process/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "lib/base/status.h"

namespace tandem {

namespace {

absl::StatusOr<sockaddr_un> Address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{} is too long for a unix socket ({} bytes, at most {}): set TMPDIR to a "
                     "shorter directory",
                     path, path.size(), sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

absl::StatusOr<UniqueFd> ListenUnix(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(sockaddr_un address, Address(path));
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return ErrnoError(errno, "cannot make a unix socket");
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), 1) != 0) {
    return ErrnoError(errno, "cannot listen on " + path);
  }
  return listener;
}

absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(sockaddr_un address, Address(path));
  UniqueFd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection.valid()) return ErrnoError(errno, "cannot make a unix socket");
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return ErrnoError(errno, "cannot connect to " + path);
  }
  return connection;
}

absl::StatusOr<UniqueFd> AcceptUnix(int listener) {
  UniqueFd connection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.valid()) {
    if (errno == EAGAIN) return absl::UnavailableError("no connection waits");
    return ErrnoError(errno, "cannot accept a connection");
  }
  return connection;
}

pid_t PeerPid(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -1;
  return credentials.pid;
}

}  // namespace tandem
