// SPDX-License-Identifier: Apache-2.0
// Where a migration stream goes (QAPI MigrationAddress, and the `uri` spelling of the same).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/qmp/json.h"

namespace tandem {

// A transport and its target. A value.
class MigrationAddress {
 public:
  // `host` is a name or a number, IPv6 without brackets. Port 0 lets the destination choose; see
  // MigrationDriver::Listen.
  static MigrationAddress Tcp(std::string host, int port);
  // A socket by its path.
  static MigrationAddress Unix(std::string path);
  // A socket in the abstract namespace (unix(7)); there is no URI for it, channels only.
  static MigrationAddress AbstractUnix(std::string name);
  // A descriptor that was handed to QEMU with getfd under this name.
  static MigrationAddress Fd(std::string name);
  // The standard input or output of a command of /bin/sh.
  static MigrationAddress Exec(std::string command);
  // A file, from this byte on; "/dev/fdset/1" is one that was handed over by add-fd. QEMU 8.2 and
  // later.
  static MigrationAddress File(std::string path, uint64_t offset = 0);
  // A VM socket (vsock(7)).
  static MigrationAddress Vsock(std::string cid, int port);
  // RDMA; `host` is an address of an RDMA link. The port must be given.
  static MigrationAddress Rdma(std::string host, int port);

  // How the stream travels.
  enum class Kind { kTcp, kUnix, kFd, kExec, kFile, kVsock, kAbstractUnix, kRdma };
  Kind kind() const { return kind_; }
  // The host, path, name or command.
  const std::string& target() const { return target_; }
  // That of TCP, VM sockets or RDMA; 0 when the destination chooses, or there is none.
  int port() const { return port_; }

  // "tcp:127.0.0.1:4444", "unix:/path", "fd:name", "exec:command", "file:path,offset=0x1000",
  // "vsock:2:4444", "rdma:192.0.2.1:4444"; IPv6 hosts in brackets. "" for an abstract socket.
  std::string Uri() const;
  // QAPI MigrationAddress.
  Json ToJson() const;
  // The value of `channels`: one MigrationChannel of type main.
  Json Channels() const;

  // Whether it is TCP with port 0.
  bool asks_for_port() const { return kind_ == Kind::kTcp && port_ == 0; }
  // The same with another port.
  MigrationAddress WithPort(int port) const;

 private:
  MigrationAddress(Kind kind, std::string target, int port, uint64_t offset = 0)
      : kind_(kind), target_(std::move(target)), port_(port), offset_(offset) {}

  Kind kind_;
  std::string target_;  // host, path, name or command
  int port_;
  uint64_t offset_;  // in a file
};

// How an address is handed to QEMU; 7.2 knows uri alone.
enum class AddressSpelling { kUri, kChannels };

}  // namespace tandem
