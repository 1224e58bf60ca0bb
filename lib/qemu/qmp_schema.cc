// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/qmp_schema.h"

namespace tandem {

QmpSchema::QmpSchema(const Json& reply) {
  for (const Json& entity : reply.elements()) entities_.emplace(entity["name"].Text(), entity);
}

Json QmpSchema::TypeNamed(const std::string& name) const {
  auto found = entities_.find(name);
  return found == entities_.end() ? Json() : found->second;
}

bool QmpSchema::HasCommand(std::string_view command) const {
  return TypeNamed(std::string(command))["meta-type"].Text() == "command";
}

std::vector<std::string> QmpSchema::Commands() const {
  std::vector<std::string> names;
  for (const auto& [name, entity] : entities_) {
    if (entity["meta-type"].Text() == "command") names.push_back(name);
  }
  return names;
}

std::vector<std::string> QmpSchema::Arguments(std::string_view command) const {
  std::vector<std::string> names;
  Json type = TypeNamed(TypeNamed(std::string(command))["arg-type"].Text());
  for (const Json& member : type["members"].elements()) names.push_back(member["name"].Text());
  return names;
}

std::string QmpSchema::ArgumentKind(std::string_view command, std::string_view argument) const {
  Json type = TypeNamed(TypeNamed(std::string(command))["arg-type"].Text());
  for (const Json& member : type["members"].elements()) {
    if (member["name"].Text() != argument) continue;
    Json kind = TypeNamed(member["type"].Text());
    return kind["meta-type"].Text() == "builtin" ? kind["json-type"].Text()
                                                 : kind["meta-type"].Text();
  }
  return "";
}

std::vector<std::string> QmpSchema::EnumAt(std::string type,
                                           const std::vector<std::string_view>& path) const {
  auto enter_lists = [&] {
    while (TypeNamed(type)["meta-type"].Text() == "array") {
      type = TypeNamed(type)["element-type"].Text();
    }
  };
  for (std::string_view step : path) {
    enter_lists();
    std::string next;
    for (const Json& member : TypeNamed(type)["members"].elements()) {
      if (member["name"].Text() == step) next = member["type"].Text();
    }
    type = next;
  }
  enter_lists();
  std::vector<std::string> values;
  for (const Json& value : TypeNamed(type)["values"].elements()) values.push_back(value.Text());
  return values;
}

std::vector<std::string> QmpSchema::ArgumentEnum(std::string_view command,
                                                 const std::vector<std::string_view>& path) const {
  return EnumAt(TypeNamed(std::string(command))["arg-type"].Text(), path);
}

std::vector<std::string> QmpSchema::ReturnEnum(std::string_view command,
                                               const std::vector<std::string_view>& path) const {
  return EnumAt(TypeNamed(std::string(command))["ret-type"].Text(), path);
}

}  // namespace tandem
