// SPDX-License-Identifier: Apache-2.0
// What a binary says of itself in query-qmp-schema (docs/devel/qapi-code-gen, "Client JSON Protocol
// introspection"). Abilities are asked here, never of a version number.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/qmp/json.h"

namespace tandem {

// Immutable after construction; thread-safe.
class QmpSchema {
 public:
  QmpSchema() = default;
  // `reply` is the answer to query-qmp-schema: an array of SchemaInfo.
  explicit QmpSchema(const Json& reply);

  bool HasCommand(std::string_view command) const;
  // Names of a command's arguments; empty when there is no such command.
  std::vector<std::string> Arguments(std::string_view command) const;
  // The values of the enumeration reached from a command's arguments (or from what it returns) by
  // member names; lists are entered by themselves. Empty when the path does not exist:
  //   ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"})
  //   ReturnEnum("query-migrate", {"status"})
  std::vector<std::string> ArgumentEnum(std::string_view command,
                                        const std::vector<std::string_view>& path) const;
  std::vector<std::string> ReturnEnum(std::string_view command,
                                      const std::vector<std::string_view>& path) const;

 private:
  Json TypeNamed(const std::string& name) const;
  std::vector<std::string> EnumAt(std::string type,
                                  const std::vector<std::string_view>& path) const;

  std::map<std::string, Json, std::less<>> entities_;  // by name; types have numbers for names
};

}  // namespace tandem
