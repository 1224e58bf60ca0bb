// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/binary_facts.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "lib/base/status.h"
#include "lib/qemu/cache_directory.h"
#include "lib/qemu/machine.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

// Changes when the cached answers below change their meaning.
constexpr int kCacheFormat = 1;

// Whether QEMU refuses x-colo alone but takes it with return-path.
absl::StatusOr<bool> TryColoWithoutReturnPath(Machine& machine, const Deadline& deadline) {
  auto set = [&](const std::vector<std::string_view>& capabilities) {
    std::vector<Json> list;
    for (std::string_view name : capabilities) {
      list.push_back(Json::Object({{"capability", name}, {"state", true}}));
    }
    return machine.qmp()
        .Execute("migrate-set-capabilities", Json::Object({{"capabilities", Json::Array(list)}}),
                 deadline)
        .status();
  };
  absl::Status alone = set({"x-colo"});
  if (alone.ok()) return false;
  if (!QmpErrorOf(alone)) return alone;
  absl::Status together = set({"x-colo", "return-path"});
  if (!together.ok() && !QmpErrorOf(together)) return together;
  return together.ok();
}

// The raw answers, in the form in which they are cached.
absl::StatusOr<Json> Interview(const QemuBinary& binary, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ScratchDirectory> scratch, ScratchDirectory::Create());
  Recording recording;
  MachineOptions options{.role = "probe", .machine_type = "none", .accelerator = "", .ram_mib = 0};
  // Without a wrapper: its abilities are the binary's, and a debugger would only be in the way.
  QemuBinary bare{.wrapper = {}, .path = binary.path};
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Machine> machine,
                          Machine::Launch(bare, options, *scratch, recording));
  if (absl::Status ready = machine->AwaitReady(deadline); !ready.ok()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "\"{}\" does not behave like a QEMU system emulator: {}", binary.path,
                     Message(ready));
  }
  QmpClient& qmp = machine->qmp();
  TANDEM_ASSIGN_OR_RETURN(Json target, qmp.Execute("query-target", deadline));
  TANDEM_ASSIGN_OR_RETURN(Json machines, qmp.Execute("query-machines", deadline));
  TANDEM_ASSIGN_OR_RETURN(Json schema, qmp.Execute("query-qmp-schema", deadline));
  TANDEM_ASSIGN_OR_RETURN(bool needs_return_path, TryColoWithoutReturnPath(*machine, deadline));
  TANDEM_RETURN_IF_ERROR(machine->Quit(deadline));
  return Json::Object({{"format", kCacheFormat},
                       {"version", qmp.greeting()["version"]},
                       {"target", target["arch"]},
                       {"machines", machines},
                       {"colo-needs-return-path", needs_return_path},
                       {"schema", schema}});
}

// Whether they can be used: a file may hold anything.
bool IsComplete(const Json& answers) {
  return answers["version"]["qemu"]["major"].Integer() && !answers["target"].Text().empty() &&
         !answers["machines"].elements().empty() && !answers["schema"].elements().empty();
}

BinaryFacts FactsFrom(const Json& answers) {
  BinaryFacts facts;
  const Json version = answers["version"]["qemu"];
  facts.version =
      fmt::format("{}.{}.{}", version["major"].Integer().value_or(0),
                  version["minor"].Integer().value_or(0), version["micro"].Integer().value_or(0));
  facts.package = answers["version"]["package"].Text();
  facts.target = answers["target"].Text();
  for (const Json& machine : answers["machines"].elements()) {
    facts.machine_types.push_back(machine["name"].Text());
    if (machine.Has("alias")) facts.machine_types.push_back(machine["alias"].Text());
  }
  facts.colo_needs_return_path = answers["colo-needs-return-path"].Boolean().value_or(false);
  facts.schema = QmpSchema(answers["schema"]);
  return facts;
}

std::string CachePath(const std::string& key) {
  std::string directory = CacheDirectory();
  if (directory.empty()) return "";
  return fmt::format("{}/probe/{:016x}.json", directory, std::hash<std::string>()(key));
}

absl::StatusOr<Json> CachedInterview(const QemuBinary& binary, const Deadline& deadline) {
  std::error_code error;
  std::string real_path = fs::canonical(binary.path, error);
  std::string key =
      fmt::format("{} {} {} {}", kCacheFormat, real_path, fs::file_size(real_path, error),
                  fs::last_write_time(real_path, error).time_since_epoch().count());
  std::string path = CachePath(key);
  if (!path.empty()) {
    absl::StatusOr<Json> cached = Json::Parse(ReadCacheFile(path));
    if (cached.ok() && (*cached)["key"].Text() == key && IsComplete((*cached)["answers"])) {
      return (*cached)["answers"];
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Json answers, Interview(binary, deadline));
  if (!path.empty()) {
    WriteCacheFile(path, Json::Object({{"key", key}, {"answers", answers}}).Dump());
  }
  return answers;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool BinaryFacts::HasCapability(const std::string& name) const {
  return Contains(schema.ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"}),
                  name);
}

bool BinaryFacts::HasMachineType(const std::string& name) const {
  return Contains(machine_types, name);
}

absl::StatusOr<const BinaryFacts*> FactsOf(const QemuBinary& binary, const Deadline& deadline) {
  static auto* known = new std::map<std::string, std::unique_ptr<BinaryFacts>>();
  std::unique_ptr<BinaryFacts>& facts = (*known)[binary.path];
  if (facts == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(Json answers, CachedInterview(binary, deadline));
    facts = std::make_unique<BinaryFacts>(FactsFrom(answers));
  }
  return facts.get();
}

}  // namespace tandem
