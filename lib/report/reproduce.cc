// SPDX-License-Identifier: Apache-2.0
// The script that replays a recording.
//
// Commands, starts of machines and signals come in their recorded order. Before each, the script
// waits for what had come by then in the recording: answers, events (as many of each name; of
// MIGRATION, of each status), the first byte on the console of a guest that
// boots, ends of processes. Counts of sync passes
// (MIGRATION_PASS) depend on the load and are not awaited. Where the test then waited for something
// else, time or a guest's progress, the script pauses as long as the test did.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "lib/base/status.h"
#include "lib/qemu/machine_options.h"
#include "lib/qmp/json.h"
#include "lib/report/evidence.h"
#include "lib/report/replay_runtime.h"
#include "lib/report/replay_start.h"
#include "lib/report/shell_template.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr double kShortestWait = 60;  // seconds; a wait lasts at least this long
constexpr double kWaitFactor = 3;     // … and this many times the whole recording
constexpr absl::Duration kShortestPause = absl::Milliseconds(20);

// Writes the steps of the script while it walks through the recording.
class ReplayWriter {
 public:
  explicit ReplayWriter(const TestEvidence& evidence) : start_(evidence.recording->start_time()) {
    for (const MachineEvidence& machine : evidence.machines) {
      machines_[machine.role] = &machine;
      std::string folder = SocketFolder(machine.command_line);
      if (!folder.empty() && folders_.insert(folder).second) text_.ReplaceFolder(folder, "work");
    }
  }

  void Add(const RecordingEntry& entry) {
    if (IsEndOfTest(entry)) at_end_ = true;
    if (stopped_ || at_end_ || !machines_.contains(entry.origin)) return;
    switch (entry.kind) {
      case EntryKind::kProcess:
        return AddProcess(entry);
      case EntryKind::kQmpSent:
        return AddCommand(entry);
      case EntryKind::kQmpReply:
        return AddReply(entry);
      case EntryKind::kQmpEvent:
        return AddEvent(entry);
      case EntryKind::kSerial:
        return AddSerial(entry);
      case EntryKind::kNote:
        return AddNote(entry);
      case EntryKind::kStderr:
      case EntryKind::kStdout:
        return;
    }
  }

  std::string Finish() {
    if (!stopped_) {
      WriteAwaited();
      steps_ += "say 'replayed to the end of the recording'\n";
    }
    return std::move(steps_);
  }

 private:
  // What comes after the test's own note, or after a SIGKILL that no test asked for, is the
  // clean-up.
  bool IsEndOfTest(const RecordingEntry& entry) const {
    if (entry.kind == EntryKind::kNote) return entry.text == kTeardownNote;
    return entry.kind == EntryKind::kProcess && machines_.contains(entry.origin) &&
           !killed_.contains(entry.origin) && entry.text.starts_with("ended with signal 9 ");
  }

  void AddProcess(const RecordingEntry& entry) {
    if (!entry.text.starts_with("started")) {
      Await(entry.time, fmt::format("ended {}", QuoteForShell(entry.origin)));
      return;
    }
    BeginStep(entry);
    const std::vector<std::string>& line = machines_.at(entry.origin)->command_line;
    std::string obstacle = WhyNotStartable(line);
    if (!started_.insert(entry.origin).second) obstacle = "it was started twice";
    if (!obstacle.empty()) return Stop(entry.origin, obstacle);
    steps_ += StartStep(entry.origin, line, text_);
  }

  void AddCommand(const RecordingEntry& entry) {
    BeginStep(entry);
    absl::StatusOr<Json> command = Json::Parse(entry.text);
    std::string name = command.ok() ? (*command)["execute"].Text() : "";
    if (name == "getfd" || name == "add-fd") {
      return Stop(entry.origin, name + " passes a descriptor of the test");
    }
    steps_ += fmt::format("send {} {}\n", QuoteForShell(entry.origin), text_.JsonWord(entry.text));
  }

  void AddReply(const RecordingEntry& entry) {
    absl::StatusOr<Json> reply = Json::Parse(entry.text);
    if (!reply.ok()) return;
    std::string role = QuoteForShell(entry.origin);
    if (reply->Has("QMP"))
      return Await(entry.time, fmt::format("answered {} greeting return", role));
    std::optional<int64_t> id = (*reply)["id"].Integer();
    if (!id) return;
    Await(entry.time,
          fmt::format("answered {} {} {}", role, *id, reply->Has("error") ? "error" : "return"));
    std::string port = (*reply)["return"]["socket-address"][0]["port"].Text();
    if (port.empty() || !ports_.insert(port).second) return;
    std::string variable = fmt::format("port_{}", ports_.size());
    Await(entry.time, fmt::format("port_from {} {} {}", variable, role, *id));
    text_.ReplacePort(port, variable);
  }

  void AddEvent(const RecordingEntry& entry) {
    absl::StatusOr<Json> event = Json::Parse(entry.text);
    std::string name = event.ok() ? (*event)["event"].Text() : "";
    if (name.empty() || name == "MIGRATION_PASS") return;
    if (name == "MIGRATION") name += " " + (*event)["data"]["status"].Text();
    std::string key = fmt::format("{} {}", QuoteForShell(entry.origin), QuoteForShell(name));
    awaited_events_[key] = ++event_counts_[key];
    last_awaited_ = entry.time;
  }

  // A guest that comes over a migration may be stopped before it prints; RESUME tells of it.
  void AddSerial(const RecordingEntry& entry) {
    if (IsIncoming(machines_.at(entry.origin)->command_line)) return;
    if (!printed_.insert(entry.origin).second) return;
    Await(entry.time, fmt::format("printed {}", QuoteForShell(entry.origin)));
  }

  void AddNote(const RecordingEntry& entry) {
    static const std::map<std::string, std::string> kSignals = {
        {"kill", "KILL"}, {"freeze", "STOP"}, {"thaw", "CONT"}};
    for (const auto& [word, signal] : kSignals) {
      if (entry.text != word + " " + entry.origin) continue;
      BeginStep(entry);
      if (word == "kill") killed_.insert(entry.origin);
      steps_ += fmt::format("signal {} {}\n", QuoteForShell(entry.origin), signal);
    }
  }

  // Something that had come before the next step.
  void Await(absl::Time time, std::string line) {
    awaited_lines_.push_back(std::move(line));
    last_awaited_ = time;
  }

  void WriteAwaited() {
    for (const std::string& line : awaited_lines_) steps_ += line + "\n";
    for (const auto& [key, count] : awaited_events_) {
      steps_ += fmt::format("happened {} {}\n", key, count);
    }
    awaited_lines_.clear();
    awaited_events_.clear();
  }

  void BeginStep(const RecordingEntry& entry) {
    WriteAwaited();
    if (last_awaited_ && entry.time - *last_awaited_ >= kShortestPause) {
      steps_ += fmt::format("pause {:.3f}\n", absl::ToDoubleSeconds(entry.time - *last_awaited_));
    }
    last_awaited_ = entry.time;
    steps_ += fmt::format("\n# {:.3f} ms\n", absl::ToDoubleMilliseconds(entry.time - start_));
  }

  void Stop(const std::string& role, const std::string& obstacle) {
    stopped_ = true;
    steps_ +=
        "# A descriptor, or a second life of a machine, is not in the recording: what came\n"
        "# after this cannot be replayed.\n";
    steps_ += fmt::format("cannot_replay {}\n", QuoteForShell(role + ": " + obstacle));
  }

  const absl::Time start_;
  std::map<std::string, const MachineEvidence*> machines_;  // by role
  std::set<std::string> folders_, started_, printed_, ports_, killed_;
  ShellTemplate text_;
  std::string steps_;
  bool stopped_ = false;  // the script cannot go on
  bool at_end_ = false;   // of the test

  std::vector<std::string> awaited_lines_;     // in their order
  std::map<std::string, int> awaited_events_;  // "role event" and how many
  std::map<std::string, int> event_counts_;    // since the beginning
  std::optional<absl::Time> last_awaited_;     // when the newest of it, or the last step, was
};

std::string Header(const TestEvidence& evidence) {
  std::string text = fmt::format(
      "#!/usr/bin/env bash\n"
      "# Replays {}\n",
      Printable(evidence.test_name));
  for (const MachineEvidence& machine : evidence.machines) {
    if (machine.version.empty()) continue;
    text += fmt::format("#   {}: QEMU {}\n", machine.role, Printable(machine.version));
  }
  if (evidence.random_seed) {
    text += fmt::format(
        "# Its random numbers came from --gtest_random_seed={}: give this to the test\n"
        "# program, or --seed={} to tandem run, to have the test draw them again.\n",
        *evidence.random_seed, *evidence.random_seed);
  }
  text += fmt::format(
      "# Usage: reproduce.sh [--kill]\n"
      "# Starts the machines anew and says to them what the test said, in the same order and not\n"
      "# before as much has come back. They are left running at the end; --kill, or Ctrl-C, kills\n"
      "# them. Disk images and other files of the run's temporary folder are not made again.\n"
      "# Environment: REPLAY_TIMEOUT (seconds for each wait), and for another binary");
  for (const MachineEvidence& machine : evidence.machines) {
    text += "\n#   " + BinaryVariable(machine.role);
  }
  return text + "\nset -u\n";
}

double WaitSeconds(const TestEvidence& evidence, const std::vector<RecordingEntry>& entries) {
  if (entries.empty()) return kShortestWait;
  absl::Duration whole = entries.back().time - evidence.recording->start_time();
  return std::max(kShortestWait, std::ceil(kWaitFactor * absl::ToDoubleSeconds(whole)));
}

}  // namespace

std::string ReproduceScript(const TestEvidence& evidence) {
  std::vector<RecordingEntry> entries = evidence.recording->EntriesAfter(0);
  ReplayWriter writer(evidence);
  for (const RecordingEntry& entry : entries) writer.Add(entry);
  return fmt::format("{}timeout=${{REPLAY_TIMEOUT:-{:.0f}}}\n{}{}", Header(evidence),
                     WaitSeconds(evidence, entries), kReplayRuntime, writer.Finish());
}

}  // namespace tandem
