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

  // Whether the binary has the command.
  bool HasCommand(std::string_view command) const;
  // The names of all commands, in alphabetical order.
  std::vector<std::string> Commands() const;
  // Names of a command's arguments; empty when there is no such command.
  std::vector<std::string> Arguments(std::string_view command) const;
  // The kind of an argument: a JSON type of a built-in one ("int", "string", "boolean"), else the
  // meta-type ("enum", "array", "object", "alternate"); empty when there is no such argument.
  std::string ArgumentKind(std::string_view command, std::string_view argument) const;
  // The values of the enumeration reached by member names from a command's arguments; lists are
  // entered by themselves. Empty when the path does not exist.
  //   ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"})
  std::vector<std::string> ArgumentEnum(std::string_view command,
                                        const std::vector<std::string_view>& path) const;
  // The same, from what a command returns:
  //   ReturnEnum("query-migrate", {"status"})
  std::vector<std::string> ReturnEnum(std::string_view command,
                                      const std::vector<std::string_view>& path) const;

 private:
  Json TypeNamed(const std::string& name) const;
  std::vector<std::string> EnumAt(std::string type,
                                  const std::vector<std::string_view>& path) const;

  std::map<std::string, Json, std::less<>> entities_;  // by name; types have numbers for names
};

}  // namespace tandem
