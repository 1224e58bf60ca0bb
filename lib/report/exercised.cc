// SPDX-License-Identifier: Apache-2.0
#include "lib/report/exercised.h"

#include <utility>

#include "lib/qmp/json.h"

namespace tandem {
namespace {

std::string TransportOfUri(const std::string& uri) { return uri.substr(0, uri.find(':')); }

// QAPI MigrationAddress.
std::string TransportOfChannel(const Json& address) {
  std::string transport = address["transport"].Text();
  if (transport != "socket") return transport;
  std::string type = address["type"].Text();
  return type == "inet" ? "tcp" : type;
}

// Reads one conversation after the other, as they stand mixed in the recording.
class Reader {
 public:
  void Read(const RecordingEntry& entry) {
    if (entry.kind != EntryKind::kQmpSent && entry.kind != EntryKind::kQmpReply &&
        entry.kind != EntryKind::kQmpEvent) {
      return;
    }
    absl::StatusOr<Json> message = Json::Parse(entry.text);
    if (!message.ok()) return;
    Machine& machine = machines_[entry.origin];
    if (entry.kind == EntryKind::kQmpEvent) {
      if ((*message)["event"].Text() == "MIGRATION") {
        Report(machine, (*message)["data"]["status"].Text());
      }
      return;
    }
    std::string id = (*message)["id"].Dump();
    if (entry.kind == EntryKind::kQmpSent) {
      machine.sent[id] = *message;
    } else if (auto command = machine.sent.extract(id);
               !command.empty() && !message->Has("error")) {
      Accept(machine, command.mapped(), (*message)["return"]);
    }
  }

  ExercisedAbilities Finish() { return std::move(found_); }

 private:
  struct Machine {
    std::map<std::string, Json> sent;  // by id
    ExercisedAbilities set;            // in force, and not yet used by a migration
    bool migrates = false;
  };

  void Note(const std::string& kind, const std::string& name) {
    if (!name.empty()) found_[kind].insert(name);
  }
  void Set(Machine& machine, const std::string& kind, const std::string& name) {
    if (!name.empty()) (machine.migrates ? found_ : machine.set)[kind].insert(name);
  }
  void Begin(Machine& machine) {
    machine.migrates = true;
    for (auto& [kind, names] : machine.set) {
      if (!names.empty()) found_[kind].insert(names.begin(), names.end());
    }
  }
  void Report(Machine& machine, const std::string& status) {
    static const std::set<std::string> kResting = {"none", "cancelled", "completed", "failed"};
    Note("statuses", status);
    if (kResting.contains(status)) {
      machine.migrates = false;
    } else if (!status.empty()) {
      Begin(machine);
    }
  }

  void Accept(Machine& machine, const Json& command, const Json& answer) {
    std::string name = command[command.Has("exec-oob") ? "exec-oob" : "execute"].Text();
    Json arguments = command["arguments"];
    if (name == "migrate-set-capabilities") {
      for (const Json& each : arguments["capabilities"].elements()) {
        std::string capability = each["capability"].Text();
        if (each["state"].Boolean().value_or(false)) {
          Set(machine, "capabilities", capability);
        } else {
          machine.set["capabilities"].erase(capability);
        }
      }
    } else if (name == "migrate-set-parameters") {
      for (const auto& [parameter, value] : arguments.members()) {
        Set(machine, "parameters", parameter);
      }
      if (arguments.Has("mode")) machine.set["modes"].clear();
      Set(machine, "modes", arguments["mode"].Text());
    } else if (name == "migrate" || name == "migrate-incoming") {
      Begin(machine);
      NoteTransports(arguments);
    } else if (name == "query-migrate") {
      Report(machine, answer["status"].Text());
    }
  }
  void NoteTransports(const Json& arguments) {
    Note("transports", TransportOfUri(arguments["uri"].Text()));
    for (const Json& channel : arguments["channels"].elements()) {
      Note("transports", TransportOfChannel(channel["addr"]));
    }
  }

  std::map<std::string, Machine> machines_;  // by origin
  ExercisedAbilities found_;
};

}  // namespace

ExercisedAbilities ExercisedIn(const Recording& recording) {
  Reader reader;
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) reader.Read(entry);
  return reader.Finish();
}

}  // namespace tandem
