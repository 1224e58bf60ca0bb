// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/address.h"

#include <spdlog/fmt/fmt.h>

namespace tandem {

MigrationAddress MigrationAddress::Tcp(std::string host, int port) {
  return MigrationAddress(Kind::kTcp, std::move(host), port);
}
MigrationAddress MigrationAddress::Unix(std::string path) {
  return MigrationAddress(Kind::kUnix, std::move(path), 0);
}
MigrationAddress MigrationAddress::Fd(std::string name) {
  return MigrationAddress(Kind::kFd, std::move(name), 0);
}

MigrationAddress MigrationAddress::Exec(std::string command) {
  return MigrationAddress(Kind::kExec, std::move(command), 0);
}
MigrationAddress MigrationAddress::File(std::string path, uint64_t offset) {
  return MigrationAddress(Kind::kFile, std::move(path), 0, offset);
}
MigrationAddress MigrationAddress::Vsock(std::string cid, int port) {
  return MigrationAddress(Kind::kVsock, std::move(cid), port);
}

MigrationAddress MigrationAddress::AbstractUnix(std::string name) {
  return MigrationAddress(Kind::kAbstractUnix, std::move(name), 0);
}
MigrationAddress MigrationAddress::Rdma(std::string host, int port) {
  return MigrationAddress(Kind::kRdma, std::move(host), port);
}

MigrationAddress MigrationAddress::WithPort(int port) const {
  return MigrationAddress(kind_, target_, port, offset_);
}

std::string MigrationAddress::Uri() const {
  switch (kind_) {
    case Kind::kUnix:
      return "unix:" + target_;
    case Kind::kFd:
      return "fd:" + target_;
    case Kind::kExec:
      return "exec:" + target_;
    case Kind::kFile:
      return offset_ == 0 ? "file:" + target_
                          : fmt::format("file:{},offset={:#x}", target_, offset_);
    case Kind::kVsock:
      return fmt::format("vsock:{}:{}", target_, port_);
    case Kind::kAbstractUnix:
      return "";
    case Kind::kTcp:
    case Kind::kRdma:
      break;
  }
  const char* scheme = kind_ == Kind::kRdma ? "rdma" : "tcp";
  bool is_ipv6 = target_.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("{}:[{}]:{}", scheme, target_, port_)
                 : fmt::format("{}:{}:{}", scheme, target_, port_);
}

Json MigrationAddress::ToJson() const {
  std::string port = std::to_string(port_);
  switch (kind_) {
    case Kind::kUnix:
      return Json::Object({{"transport", "socket"}, {"type", "unix"}, {"path", target_}});
    case Kind::kAbstractUnix:
      return Json::Object(
          {{"transport", "socket"}, {"type", "unix"}, {"path", target_}, {"abstract", true}});
    case Kind::kRdma:
      return Json::Object({{"transport", "rdma"}, {"host", target_}, {"port", port}});
    case Kind::kFd:
      return Json::Object({{"transport", "socket"}, {"type", "fd"}, {"str", target_}});
    case Kind::kExec:
      return Json::Object(
          {{"transport", "exec"}, {"args", Json::Array({"/bin/sh", "-c", target_})}});
    case Kind::kFile:
      return Json::Object({{"transport", "file"}, {"filename", target_}, {"offset", offset_}});
    case Kind::kVsock:
      return Json::Object(
          {{"transport", "socket"}, {"type", "vsock"}, {"cid", target_}, {"port", port}});
    case Kind::kTcp:
      break;
  }
  return Json::Object(
      {{"transport", "socket"}, {"type", "inet"}, {"host", target_}, {"port", port}});
}

Json MigrationAddress::Channels() const {
  return Json::Array({Json::Object({{"channel-type", "main"}, {"addr", ToJson()}})});
}

}  // namespace tandem
