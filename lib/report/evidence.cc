// SPDX-License-Identifier: Apache-2.0
#include "lib/report/evidence.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/time/time.h"
#include "lib/base/status.h"
#include "lib/qemu/machine_options.h"
#include "lib/qmp/json.h"
#include "lib/report/text.h"
#include "lib/report/timeline.h"
#include "lib/report/timeline_json.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::string FailureText(const TestEvidence& evidence) {
  std::string text = evidence.test_name + "\n";
  for (const std::string& failure : evidence.failures) text += "\n" + failure + "\n";
  for (const MachineEvidence& machine : evidence.machines) {
    text +=
        fmt::format("\n{}: QEMU {}, {}\n", machine.role, machine.version, machine.process_state);
    for (const auto& [query, answer] : machine.last_answers) {
      text += fmt::format("{}: {}\n", query, answer);
    }
  }
  return text;
}

std::string OracleText(const TestEvidence& evidence) {
  std::string text;
  for (const MachineEvidence& machine : evidence.machines) {
    if (machine.oracle_report.empty()) continue;
    text += fmt::format("{}:\n{}\n", machine.role, machine.oracle_report);
  }
  return text;
}

std::string CommandText(const MachineEvidence& machine) {
  std::vector<std::string> quoted;
  for (const std::string& word : machine.command_line) quoted.push_back(QuoteForShell(word));
  return fmt::format("{}\n", fmt::join(quoted, " \\\n"));
}

std::string StateText(const MachineEvidence& machine) {
  std::vector<Json::Member> members;
  for (const auto& [query, answer] : machine.last_answers) {
    absl::StatusOr<Json> parsed = Json::Parse(answer);
    members.emplace_back(query, parsed.ok() ? *parsed : Json(ValidUtf8(answer)));
  }
  return Json::Object(members).Pretty() + "\n";
}

// How an entry is marked in the log it belongs to.
std::string_view Mark(EntryKind kind) {
  switch (kind) {
    case EntryKind::kQmpSent:
      return "->";
    case EntryKind::kQmpReply:
    case EntryKind::kQmpEvent:
      return "<-";
    case EntryKind::kStderr:
      return "err";
    case EntryKind::kStdout:
      return "out";
    default:
      return "";
  }
}

// The entries of one machine and some kinds, a line each, with seconds to the microsecond.
std::string LogText(const Recording& recording, const std::string& role,
                    const std::set<EntryKind>& kinds) {
  std::string text = fmt::format("# seconds since {}\n",
                                 absl::FormatTime(recording.start_time(), absl::UTCTimeZone()));
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) {
    if (entry.origin != role || !kinds.contains(entry.kind)) continue;
    text +=
        fmt::format("{:12.6f} {} {}\n", absl::ToDoubleSeconds(entry.time - recording.start_time()),
                    Mark(entry.kind), entry.text);
  }
  return text;
}

std::string SerialText(const Recording& recording, const std::string& role) {
  std::string text;
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) {
    if (entry.origin == role && entry.kind == EntryKind::kSerial) text += entry.text;
  }
  return text;
}

// Writes files into one folder, goes on after an error, and remembers the first one.
class FolderWriter {
 public:
  explicit FolderWriter(fs::path folder) : folder_(std::move(folder)) {}

  // Makes the folder, or empties it.
  void Prepare() {
    std::error_code error;
    for (const fs::directory_entry& old : fs::directory_iterator(folder_, error)) {
      std::error_code kept;
      fs::remove_all(old.path(), kept);
      Note(kept, "cannot remove " + old.path().string());
    }
    fs::create_directories(folder_, error);
    Note(error, "cannot make " + folder_.string());
  }

  void Write(const std::string& name, std::string_view text) {
    Note(WriteTextFile((folder_ / name).string(), text));
  }
  void WriteUnlessEmpty(const std::string& name, std::string_view text) {
    if (!text.empty()) Write(name, text);
  }

  void MakeExecutable(const std::string& name) {
    std::error_code error;
    fs::permissions(folder_ / name, fs::perms::owner_exec | fs::perms::group_exec,
                    fs::perm_options::add, error);
    Note(error, "cannot make executable " + (folder_ / name).string());
  }

  // Under its own name, with a number where that is taken.
  void Copy(const fs::path& source) {
    fs::path target = folder_ / source.filename();
    for (int number = 2; fs::exists(target); ++number) {
      target = folder_ / fmt::format("{}.{}", source.filename().string(), number);
    }
    std::error_code error;
    fs::copy(source, target, fs::copy_options::recursive, error);
    Note(error, fmt::format("cannot copy {} to {}", source.string(), target.string()));
  }

  absl::Status first_error() const { return first_error_; }

 private:
  void Note(const absl::Status& status) {
    if (first_error_.ok()) first_error_ = status;
  }
  void Note(const std::error_code& error, const std::string& what) {
    if (error) Note(ErrnoError(error.value(), what));
  }

  const fs::path folder_;
  absl::Status first_error_;
};

std::string TimelineText(const TestEvidence& evidence) {
  std::optional<FailingMoment> failed;
  if (!evidence.failures.empty()) failed = {evidence.failed_at, evidence.failures.front()};
  return TimelineJson(*evidence.recording, failed).Dump() + "\n";
}

void WriteMachine(const MachineEvidence& machine, FolderWriter& folder) {
  folder.Write(machine.role + ".command.txt", CommandText(machine));
  folder.Write(machine.role + ".state.json", StateText(machine));
  folder.WriteUnlessEmpty(machine.role + ".stacks.txt", machine.stacks);
}

void WriteRecorded(const Recording& recording, const std::string& role, FolderWriter& folder) {
  folder.Write(
      role + ".qmp.log",
      LogText(recording, role, {EntryKind::kQmpSent, EntryKind::kQmpReply, EntryKind::kQmpEvent}));
  folder.Write(role + ".serial.log", SerialText(recording, role));
  folder.Write(role + ".stderr.log",
               LogText(recording, role, {EntryKind::kStderr, EntryKind::kStdout}));
}

}  // namespace

std::string ArtifactFolderName(const std::string& test_name) {
  std::string name;
  for (char c : test_name) {
    bool plain = kNameCharacters.find(c) != std::string_view::npos;
    name += c == '/' ? '.' : plain ? c : '_';
  }
  bool is_special = name.find_first_not_of('.') == std::string::npos;  // "", ".", ".."
  return is_special ? "unnamed" + name : name;
}

absl::Status WriteTimeline(const std::string& directory, const TestEvidence& evidence) {
  FolderWriter folder(directory);
  folder.Prepare();
  folder.Write(std::string(kTimelineFile), TimelineText(evidence));
  return folder.first_error();
}

absl::Status WriteEvidence(const std::string& directory, const TestEvidence& evidence) {
  FolderWriter folder(directory);
  folder.Prepare();
  folder.Write("failure.txt", FailureText(evidence));
  for (const MachineEvidence& machine : evidence.machines) WriteMachine(machine, folder);
  folder.WriteUnlessEmpty("oracle.txt", OracleText(evidence));
  if (evidence.recording != nullptr) {
    folder.Write("timeline.txt", RenderTimeline(MakeTimeline(*evidence.recording)));
    folder.Write(std::string(kTimelineFile), TimelineText(evidence));
    folder.Write("reproduce.sh", ReproduceScript(evidence));
    folder.MakeExecutable("reproduce.sh");
    for (const MachineEvidence& machine : evidence.machines) {
      WriteRecorded(*evidence.recording, machine.role, folder);
    }
  }
  for (const std::string& file : evidence.files) folder.Copy(file);
  return folder.first_error();
}

}  // namespace tandem
