// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/skip_excuse.h"

#include <algorithm>
#include <functional>
#include <regex>
#include <vector>

#include "lib/base/status.h"
#include "tools/coverage/abilities.h"

namespace tandem {
namespace {

// The words of a fixture, and how to see whether the binary has what they name.
struct Lack {
  std::regex words;
  std::function<bool(const QmpSchema&, const std::smatch&)> has;
};

template <typename Names>
bool Holds(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HasAbility(const QmpSchema& schema, const std::string& kind, const std::string& name) {
  return Holds(AbilitiesOf(schema)[kind], name);
}

const std::vector<Lack>& Lacks() {
  static const std::vector<Lack> kAll = {
      {std::regex(R"(has no migration (capability|parameter|mode) ([\w-]+))"),
       [](const QmpSchema& schema, const std::smatch& match) {
         const std::string kind = match[1] == "capability" ? "capabilities" : match[1].str() + "s";
         return HasAbility(schema, kind, match[2]);
       }},
      {std::regex(R"(has no migration status ([\w-]+))"),
       [](const QmpSchema& schema, const std::smatch& match) {
         return HasAbility(schema, "statuses", match[1]);
       }},
      {std::regex(R"(has no migration to ([a-z]+):)"),
       [](const QmpSchema& schema, const std::smatch& match) {
         return HasAbility(schema, "transports", match[1]);
       }},
      {std::regex(R"(has no ([\w-]+) ([\w-]+) \(by its schema\))"),
       [](const QmpSchema& schema, const std::smatch& match) {
         return Holds(schema.ArgumentEnum("migrate-set-parameters", {match[1].str()}), match[2]);
       }},
      {std::regex(R"(the command ([\w-]+) has no argument ([\w-]+))"),
       [](const QmpSchema& schema, const std::smatch& match) {
         return Holds(schema.Arguments(match[1].str()), match[2]);
       }},
      {std::regex(R"(has no command ([\w-]+))"),
       [](const QmpSchema& schema, const std::smatch& match) {
         return schema.HasCommand(match[1].str());
       }}};
  return kAll;
}

}  // namespace

absl::StatusOr<SkipExcuse> SkipExcuse::Parse(const Json& object) {
  SkipExcuse excuse{.reason = object["reason"].Text(), .why = object["why"].Text()};
  excuse.accelerator = object["accelerator"].Text();
  excuse.on_other_qemu = object["on_other_qemu"].Boolean().value_or(false);
  for (const Json& row : object["rows"].elements()) excuse.rows.insert(row.Text());
  static const std::set<std::string> kKnown = {"rows", "reason", "accelerator", "on_other_qemu",
                                               "why"};
  for (const auto& [name, value] : object.members()) {
    if (!kKnown.contains(name)) {
      return MakeError(absl::StatusCode::kInvalidArgument, "unknown member {} of not_here", name);
    }
  }
  if (excuse.rows.empty() || excuse.reason.empty() || excuse.why.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "not_here wants rows, a reason and why: {}", object.Dump());
  }
  return excuse;
}

bool SkipExcuse::Covers(const std::string& row, const SkippedTest& skipped) const {
  return rows.contains(row) && skipped.reason.find(reason) != std::string::npos &&
         (accelerator.empty() || accelerator == skipped.accelerator);
}

bool LacksBySchema(const std::string& reason, const QmpSchema& schema) {
  for (const Lack& lack : Lacks()) {
    std::smatch match;
    if (std::regex_search(reason, match, lack.words)) return !lack.has(schema, match);
  }
  return false;
}

}  // namespace tandem
