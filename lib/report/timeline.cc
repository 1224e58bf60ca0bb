// SPDX-License-Identifier: Apache-2.0
#include "lib/report/timeline.h"

#include <algorithm>
#include <map>

#include "lib/base/status.h"
#include "lib/qmp/json.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr size_t kLongestLine = 200;    // bytes of a line's text
constexpr size_t kLongestSerial = 120;  // bytes of a console's line; then a new one begins

std::string WithData(const std::string& head, const Json& data) {
  return data.is_null() ? head : head + " " + data.Dump();
}

std::string DescribeCommand(const std::string& text) {
  absl::StatusOr<Json> command = Json::Parse(text);
  if (!command.ok() || !command->is_object()) return "> " + text;
  bool out_of_band = command->Has("exec-oob");
  std::string name = (*command)[out_of_band ? "exec-oob" : "execute"].Text();
  return WithData((out_of_band ? "> oob " : "> ") + name, (*command)["arguments"]);
}

std::string DescribeReply(const std::string& text) {
  absl::StatusOr<Json> reply = Json::Parse(text);
  if (!reply.ok() || !reply->is_object()) return "< no JSON: " + text;
  Json error = (*reply)["error"];
  if (error.is_null()) return "";
  return fmt::format("< error {}: {}", error["class"].Text(), error["desc"].Text());
}

std::string DescribeEvent(const std::string& text) {
  absl::StatusOr<Json> event = Json::Parse(text);
  if (!event.ok() || !event->is_object()) return "* " + text;
  return WithData("* " + (*event)["event"].Text(), (*event)["data"]);
}

double MillisecondsSince(absl::Time start, absl::Time time) {
  return absl::ToDoubleMilliseconds(time - start);
}

// Gathers entries into lines. A line of a console grows in its place until it is ended.
class TimelineBuilder {
 public:
  explicit TimelineBuilder(absl::Time start) : start_(start) {}

  void Add(const RecordingEntry& entry) {
    if (entry.kind == EntryKind::kSerial) {
      for (char c : entry.text) AddSerial(entry, c);
      return;
    }
    std::string text = DescribeEntry(entry);
    if (text.empty()) return;
    open_serial_.clear();
    Append(entry, std::move(text));
  }

  std::vector<TimelineLine> Finish() { return std::move(lines_); }

 private:
  void Append(const RecordingEntry& entry, std::string text) {
    lines_.push_back({MillisecondsSince(start_, entry.time), entry.origin, std::move(text)});
  }

  void AddSerial(const RecordingEntry& entry, char c) {
    auto open = open_serial_.find(entry.origin);
    if (c == '\n') {
      if (open != open_serial_.end()) open_serial_.erase(open);
      return;
    }
    if (c == '\r') return;
    if (open == open_serial_.end()) {
      open = open_serial_.emplace(entry.origin, lines_.size()).first;
      Append(entry, "serial ");
    }
    std::string& text = lines_[open->second].text;
    text += Printable({&c, 1});
    if (text.size() >= kLongestSerial) open_serial_.erase(open);
  }

  const absl::Time start_;
  std::vector<TimelineLine> lines_;
  std::map<std::string, size_t> open_serial_;  // by machine, where in lines_
};

}  // namespace

std::string DescribeEntry(const RecordingEntry& entry) {
  switch (entry.kind) {
    case EntryKind::kQmpSent:
      return DescribeCommand(entry.text);
    case EntryKind::kQmpReply:
      return DescribeReply(entry.text);
    case EntryKind::kQmpEvent:
      return DescribeEvent(entry.text);
    case EntryKind::kSerial:
      return "serial " + entry.text;
    case EntryKind::kStderr:
      return "! " + entry.text;
    case EntryKind::kStdout:
      return "stdout " + entry.text;
    case EntryKind::kProcess:
      return "process " + entry.text;
    case EntryKind::kNote:
      return "note " + entry.text;
  }
  return entry.text;
}

std::vector<TimelineLine> MakeTimeline(const Recording& recording) {
  TimelineBuilder builder(recording.start_time());
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) builder.Add(entry);
  return builder.Finish();
}

std::string RenderTimeline(const std::vector<TimelineLine>& timeline) {
  size_t role_width = 4;
  for (const TimelineLine& line : timeline) role_width = std::max(role_width, line.origin.size());
  std::string text = fmt::format("{:>12}  {:<{}}  what\n", "ms", "role", role_width);
  for (const TimelineLine& line : timeline) {
    std::string head = fmt::format("{:>12.3f}  {:<{}}  ", line.time_ms, line.origin, role_width);
    for (const std::string& part : SplitLines(line.text)) {
      text += head + Shorten(Printable(part), kLongestLine) + "\n";
      head.assign(head.size(), ' ');
    }
  }
  return text;
}

}  // namespace tandem
