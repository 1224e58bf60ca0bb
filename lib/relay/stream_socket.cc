// SPDX-License-Identifier: Apache-2.0
#include "lib/relay/stream_socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "lib/base/status.h"

namespace tandem {
namespace {

// As many as a migration has channels at most.
constexpr int kBacklog = 256;

// An address as the kernel takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

absl::StatusOr<SocketAddress> UnixAddress(const std::string& path) {
  SocketAddress result;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) {
    return MakeError(absl::StatusCode::kInvalidArgument, "{} is too long for a unix socket", path);
  }
  path.copy(address.sun_path, path.size());
  std::memcpy(&result.storage, &address, sizeof address);
  result.size = sizeof address;
  return result;
}

absl::StatusOr<SocketAddress> TcpAddress(const std::string& host, int port) {
  SocketAddress result;
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  if (inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(static_cast<uint16_t>(port));
    std::memcpy(&result.storage, &ipv4, sizeof ipv4);
    result.size = sizeof ipv4;
  } else if (inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(static_cast<uint16_t>(port));
    std::memcpy(&result.storage, &ipv6, sizeof ipv6);
    result.size = sizeof ipv6;
  } else {
    return MakeError(absl::StatusCode::kInvalidArgument, "{} is no number of a host", host);
  }
  return result;
}

absl::StatusOr<SocketAddress> ToSocketAddress(const MigrationAddress& address) {
  switch (address.kind()) {
    case MigrationAddress::Kind::kTcp:
      return TcpAddress(address.target(), address.port());
    case MigrationAddress::Kind::kUnix:
      return UnixAddress(address.target());
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "{} is no socket to connect to",
                       address.Uri());
  }
}

absl::StatusOr<UniqueFd> MakeSocket(int family) {
  UniqueFd made(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.valid()) return ErrnoError(errno, "cannot make a socket");
  return made;
}

}  // namespace

absl::StatusOr<UniqueFd> ListenAt(const MigrationAddress& address) {
  TANDEM_ASSIGN_OR_RETURN(SocketAddress where, ToSocketAddress(address));
  TANDEM_ASSIGN_OR_RETURN(UniqueFd listener, MakeSocket(where.storage.ss_family));
  if (bind(listener.get(), where.get(), where.size) != 0 || listen(listener.get(), kBacklog) != 0) {
    return ErrnoError(errno, "cannot listen at " + address.Uri());
  }
  return listener;
}

absl::StatusOr<MigrationAddress> AddressOf(int listener, const MigrationAddress& asked_for) {
  if (!asked_for.asks_for_port()) return asked_for;
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return ErrnoError(errno, "cannot ask for the port of " + asked_for.Uri());
  }
  in_port_t port = bound.storage.ss_family == AF_INET6
                       ? reinterpret_cast<const sockaddr_in6*>(&bound.storage)->sin6_port
                       : reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port;
  return asked_for.WithPort(ntohs(port));
}

absl::StatusOr<UniqueFd> BeginConnect(const MigrationAddress& address) {
  TANDEM_ASSIGN_OR_RETURN(SocketAddress where, ToSocketAddress(address));
  TANDEM_ASSIGN_OR_RETURN(UniqueFd connection, MakeSocket(where.storage.ss_family));
  if (connect(connection.get(), where.get(), where.size) != 0 && errno != EINPROGRESS) {
    if (errno == EAGAIN) return absl::UnavailableError("the queue is full");
    return MakeError(absl::StatusCode::kAborted, "cannot connect to {}: {}", address.Uri(),
                     std::strerror(errno));
  }
  return connection;
}

absl::Status ConnectionError(int socket, const MigrationAddress& address) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kAborted, "cannot connect to {}: {}", address.Uri(),
                   std::strerror(error));
}

void SendAtOnce(int socket) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void CloseWithReset(UniqueFd& socket) {
  linger none{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  socket.reset();
}

}  // namespace tandem
