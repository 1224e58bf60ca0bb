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

MigrationAddress MigrationAddress::WithPort(int port) const {
  return MigrationAddress(kind_, target_, port);
}

std::string MigrationAddress::Uri() const {
  switch (kind_) {
    case Kind::kUnix:
      return "unix:" + target_;
    case Kind::kFd:
      return "fd:" + target_;
    case Kind::kTcp:
      break;
  }
  bool is_ipv6 = target_.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("tcp:[{}]:{}", target_, port_)
                 : fmt::format("tcp:{}:{}", target_, port_);
}

Json MigrationAddress::Channels() const {
  std::vector<Json::Member> address{{"transport", "socket"}};
  switch (kind_) {
    case Kind::kUnix:
      address.insert(address.end(), {{"type", "unix"}, {"path", target_}});
      break;
    case Kind::kFd:
      address.insert(address.end(), {{"type", "fd"}, {"str", target_}});
      break;
    case Kind::kTcp:
      address.insert(address.end(),
                     {{"type", "inet"}, {"host", target_}, {"port", std::to_string(port_)}});
      break;
  }
  return Json::Array({Json::Object({{"channel-type", "main"}, {"addr", Json::Object(address)}})});
}

}  // namespace tandem
