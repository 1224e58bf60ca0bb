// SPDX-License-Identifier: Apache-2.0
#include "lib/process/tcp_intake.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

// The numbers of a process's descriptors that are sockets of any kind.
std::vector<int> SocketsOf(pid_t pid) {
  std::vector<int> sockets;
  std::error_code error;
  std::filesystem::directory_iterator entries(fmt::format("/proc/{}/fd", pid), error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::error_code gone;
    std::string target = std::filesystem::read_symlink(entries->path(), gone);
    if (!target.starts_with("socket:")) continue;
    std::string number = entries->path().filename();
    std::from_chars(number.data(), number.data() + number.size(), sockets.emplace_back());
  }
  std::sort(sockets.begin(), sockets.end());
  return sockets;
}

// None when it is another kind of socket, or not connected.
std::optional<TcpIntake> IntakeOf(int socket) {
  int protocol = 0, waiting = 0;
  socklen_t size = sizeof protocol;
  if (getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 ||
      protocol != IPPROTO_TCP) {
    return std::nullopt;
  }
  tcp_info info{};
  size = sizeof info;
  // In this order, what arrives in between makes `taken` too small rather than too large.
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      ioctl(socket, FIONREAD, &waiting) != 0) {  // fails for a listening socket
    return std::nullopt;
  }
  uint64_t received = info.tcpi_bytes_received, unread = static_cast<uint64_t>(waiting);
  return TcpIntake{.taken = received - std::min(received, unread), .waiting = unread};
}

}  // namespace

absl::StatusOr<std::vector<TcpIntake>> TcpIntakesOf(pid_t pid) {
  UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return ErrnoError(errno, fmt::format("opening process {}", pid));
  std::vector<TcpIntake> intakes;
  for (int fd : SocketsOf(pid)) {
    UniqueFd socket(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
    if (!socket.valid()) {
      if (errno == EBADF) continue;  // closed meanwhile
      return ErrnoError(errno, fmt::format("looking at socket {} of process {}", fd, pid));
    }
    if (std::optional<TcpIntake> intake = IntakeOf(socket.get())) {
      intake->fd = fd;
      intakes.push_back(*intake);
    }
  }
  return intakes;
}

}  // namespace tandem
