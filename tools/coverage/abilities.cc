// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/abilities.h"

#include <vector>

namespace tandem {

std::map<std::string, std::set<std::string>> AbilitiesOf(const QmpSchema& schema) {
  auto set_of = [](const std::vector<std::string>& names) {
    return std::set<std::string>(names.begin(), names.end());
  };
  std::map<std::string, std::set<std::string>> abilities;
  abilities["capabilities"] =
      set_of(schema.ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"}));
  abilities["parameters"] = set_of(schema.Arguments("migrate-set-parameters"));
  abilities["modes"] = set_of(schema.ArgumentEnum("migrate-set-parameters", {"mode"}));
  abilities["statuses"] = set_of(schema.ReturnEnum("query-migrate", {"status"}));
  // `uri` can be asked for nothing, so an old binary has at least these.
  std::vector<std::string> transports =
      schema.ArgumentEnum("migrate", {"channels", "addr", "transport"});
  if (transports.empty()) transports = {"socket", "exec"};
  for (const std::string& transport : transports) {
    if (transport != "socket") {
      abilities["transports"].insert(transport);
      continue;
    }
    // QAPI SocketAddressType.
    for (const std::string& type : schema.ArgumentEnum("nbd-server-start", {"addr", "type"})) {
      abilities["transports"].insert(type == "inet" ? "tcp" : type);
    }
  }
  return abilities;
}

}  // namespace tandem
