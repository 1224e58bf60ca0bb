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
    if (entry.kind == EntryKind::kQmpEvent) {
      if ((*message)["event"].Text() == "MIGRATION") Note("statuses", (*message)["data"]["status"]);
      return;
    }
    std::pair<std::string, std::string> id{entry.origin, (*message)["id"].Dump()};
    if (entry.kind == EntryKind::kQmpSent) {
      sent_[id] = *message;
    } else if (auto command = sent_.extract(id); !command.empty() && !message->Has("error")) {
      Accept(command.mapped(), (*message)["return"]);
    }
  }

  ExercisedAbilities Finish() { return std::move(found_); }

 private:
  void Note(const std::string& kind, const std::string& name) {
    if (!name.empty()) found_[kind].insert(name);
  }
  void Note(const std::string& kind, const Json& name) { Note(kind, name.Text()); }

  void Accept(const Json& command, const Json& answer) {
    std::string name = command[command.Has("exec-oob") ? "exec-oob" : "execute"].Text();
    Json arguments = command["arguments"];
    if (name == "migrate-set-capabilities") {
      for (const Json& each : arguments["capabilities"].elements()) {
        if (each["state"].Boolean().value_or(false)) Note("capabilities", each["capability"]);
      }
    } else if (name == "migrate-set-parameters") {
      for (const auto& [parameter, value] : arguments.members()) Note("parameters", parameter);
      Note("modes", arguments["mode"]);
    } else if (name == "migrate" || name == "migrate-incoming") {
      Note("transports", TransportOfUri(arguments["uri"].Text()));
      for (const Json& channel : arguments["channels"].elements()) {
        Note("transports", TransportOfChannel(channel["addr"]));
      }
    } else if (name == "query-migrate") {
      Note("statuses", answer["status"]);
    }
  }

  std::map<std::pair<std::string, std::string>, Json> sent_;  // by origin and id
  ExercisedAbilities found_;
};

}  // namespace

ExercisedAbilities ExercisedIn(const Recording& recording) {
  Reader reader;
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) reader.Read(entry);
  return reader.Finish();
}

}  // namespace tandem
