// SPDX-License-Identifier: Apache-2.0
#include "lib/report/timeline_lane.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/base/status.h"
#include "lib/report/text.h"
#include "lib/report/timeline.h"

namespace tandem {
namespace {

constexpr size_t kMostMarks = 150;
constexpr size_t kMostTicks = 150;
constexpr size_t kMostChanges = 200;
constexpr size_t kLongestText = 120;

constexpr std::string_view kFaultCommands[] = {"yank", "x-colo-lost-heartbeat", "migrate_cancel",
                                               "migrate-pause", "system_reset"};
constexpr std::string_view kFaultNotes[] = {"kill ", "freeze ", "fault: "};

bool IsOneOf(std::string_view name, const auto& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Commands that change nothing and that nobody looks for in a picture.
bool OnlyAsks(const std::string& name, const Json& arguments) {
  constexpr std::array<std::string_view, 3> kNames = {"qmp_capabilities", "qom-get", "qom-list"};
  std::string monitor = arguments["command-line"].Text();
  return name.starts_with("query-") || IsOneOf(name, kNames) || monitor.starts_with("gpa2hva") ||
         monitor.starts_with("info ");
}

// Which of `count` elements a list of at most `most` takes: the first, the last, and evenly
// between.
std::vector<size_t> Chosen(size_t count, size_t most) {
  std::vector<size_t> chosen;
  size_t taken = std::min(count, most);
  for (size_t i = 0; i < taken; ++i) {
    chosen.push_back(taken < 2 ? i : i * (count - 1) / (taken - 1));
  }
  return chosen;
}

template <typename List>
Json Pairs(const List& list) {
  std::vector<Json> elements;
  for (size_t i : Chosen(list.size(), kMostChanges)) {
    Json second = list[i].second;
    if (auto ms = second.Number(); ms && !second.Integer()) second = RoundedMs(*ms);
    elements.push_back(Json::Array({RoundedMs(list[i].first), second}));
  }
  return Json::Array(elements);
}

// No two nearer to each other than the eye can tell.
Json Ticks(const std::vector<double>& times, double end_ms) {
  double nearest = end_ms / kMostTicks, last = -nearest;
  std::vector<Json> ticks;
  for (double ms : times) {
    if (ms - last < nearest) continue;
    ticks.emplace_back(static_cast<int64_t>(ms));
    last = ms;
  }
  return Json::Array(ticks);
}

}  // namespace

double RoundedMs(double ms) { return std::round(ms * 10) / 10; }

void TimelineLane::Add(double ms, const RecordingEntry& entry) {
  switch (entry.kind) {
    case EntryKind::kQmpSent:
      return AddCommand(ms, entry.text);
    case EntryKind::kQmpReply:
      return AddReply(ms, entry.text);
    case EntryKind::kQmpEvent:
      return AddEvent(ms, entry.text);
    case EntryKind::kSerial:
      return AddSerial(ms, entry.text);
    case EntryKind::kStderr:
      return AddMark(ms, "stderr", entry.text);
    case EntryKind::kStdout:
      return;
    case EntryKind::kProcess:
      return AddProcess(ms, entry.text);
    case EntryKind::kNote:
      return AddNote(ms, entry.text);
  }
}

void TimelineLane::AddCommand(double ms, const std::string& line) {
  auto command = Json::Parse(line);
  if (!command.ok()) return;
  std::string name = (*command)[command->Has("exec-oob") ? "exec-oob" : "execute"].Text();
  Json arguments = (*command)["arguments"];
  sent_[(*command)["id"].Dump()] = name;
  if (OnlyAsks(name, arguments)) return;
  std::string text = arguments.is_null() ? name : name + " " + arguments.Dump();
  AddMark(ms, IsOneOf(name, kFaultCommands) ? "fault" : "command", text);
}

void TimelineLane::AddReply(double ms, const std::string& line) {
  auto reply = Json::Parse(line);
  if (!reply.ok()) return;
  auto sent = sent_.extract((*reply)["id"].Dump());
  if (sent.empty()) return;
  const std::string& name = sent.mapped();
  if (Json error = (*reply)["error"]; error.is_object()) {
    return AddMark(ms, "error", fmt::format("{}: {}", name, error["desc"].Text()));
  }
  Json answer = (*reply)["return"];
  if (name == "query-status") {
    std::string status = answer["status"].Text();
    SetGuest(ms, answer["running"].Boolean().value_or(false) ? "running" : status);
  } else if (name == "query-migrate") {
    SetMigration(ms, answer["status"].Text());
    if (auto bytes = answer["ram"]["remaining"].Integer()) remaining_.emplace_back(ms, *bytes);
  }
}

void TimelineLane::AddEvent(double ms, const std::string& line) {
  auto event = Json::Parse(line);
  if (!event.ok()) return;
  std::string name = (*event)["event"].Text();
  Json data = (*event)["data"];
  bool in_colo = !migration_.empty() && migration_.back().second == "colo";
  if (name == "STOP") {
    SetGuest(ms, "stopped");
    if (in_colo) checkpoints_.emplace_back(ms, -1);
  } else if (name == "RESUME" || name == "WAKEUP") {
    SetGuest(ms, "running");
    if (!checkpoints_.empty() && checkpoints_.back().second < 0) checkpoints_.back().second = ms;
  } else if (name == "SUSPEND") {
    SetGuest(ms, "suspended");
  } else if (name == "MIGRATION") {
    SetMigration(ms, data["status"].Text());
  } else if (name == "MIGRATION_PASS") {
    passes_.emplace_back(ms, data["pass"].Integer().value_or(0));
  } else {
    AddMark(ms, "event", data.is_null() ? name : name + " " + data.Dump());
  }
}

void TimelineLane::AddSerial(double ms, std::string_view bytes) {
  if (guest_.empty()) SetGuest(ms, "running");  // at the latest
  serial_.push_back(ms);
  for (char c : bytes) {
    if (c == '!') {
      guest_line_ = "";
    } else if (guest_line_ && c == '\n') {
      AddMark(ms, "guest", *guest_line_);
      guest_line_.reset();
    } else if (guest_line_ && c != '\r') {
      *guest_line_ += c;
    }
  }
}

void TimelineLane::AddProcess(double ms, const std::string& text) {
  if (!text.starts_with("started")) {
    end_ = ms;
    return AddMark(ms, "process", text);
  }
  if (!start_) start_ = ms;
  if (text.find(" -incoming ") != std::string::npos) {
    SetGuest(ms, "inmigrate");
  } else if ((text + " ").find(" -S ") != std::string::npos) {
    SetGuest(ms, "prelaunch");
  }
}

void TimelineLane::AddNote(double ms, const std::string& text) {
  bool fault = std::any_of(std::begin(kFaultNotes), std::end(kFaultNotes),
                           [&](std::string_view start) { return text.starts_with(start); });
  AddMark(ms, fault ? "fault" : "note", text);
}

void TimelineLane::AddMark(double ms, std::string kind, std::string_view text) {
  marks_.push_back({ms, std::move(kind), Shorten(Printable(text), kLongestText)});
}

void TimelineLane::SetGuest(double ms, const std::string& state) {
  if (state.empty() || (!guest_.empty() && guest_.back().second == state)) return;
  guest_.emplace_back(ms, state);
}

void TimelineLane::SetMigration(double ms, const std::string& status) {
  if (status.empty() || status == "none") return;
  if (!migration_.empty() && migration_.back().second == status) return;
  migration_.emplace_back(ms, status);
}

Json TimelineLane::ToJson(double end_ms) const {
  std::vector<Json::Member> members = {{"role", role_}};
  auto add_time = [&](std::string_view name, const std::optional<double>& ms) {
    if (ms) members.emplace_back(name, RoundedMs(*ms));
  };
  auto add_list = [&](std::string_view name, const Json& list) {
    if (list.size() > 0) members.emplace_back(name, list);
  };
  add_time("start_ms", start_);
  add_time("end_ms", end_);
  add_list("guest", Pairs(guest_));
  add_list("migration", Pairs(migration_));
  add_list("passes", Pairs(passes_));
  auto checkpoints = checkpoints_;
  for (auto& checkpoint : checkpoints) {
    if (checkpoint.second < 0) checkpoint.second = end_.value_or(end_ms);  // never resumed
  }
  add_list("checkpoints", Pairs(checkpoints));
  add_list("remaining", Pairs(remaining_));
  add_list("serial", Ticks(serial_, end_ms));
  std::vector<Json> marks;
  for (size_t i : Chosen(marks_.size(), kMostMarks)) {
    const Mark& mark = marks_[i];
    marks.push_back(Json::Array({RoundedMs(mark.ms), mark.kind, mark.text}));
  }
  add_list("marks", Json::Array(marks));
  return Json::Object(members);
}

}  // namespace tandem
