// SPDX-License-Identifier: Apache-2.0
// The essence of a failure for the console.
#include <algorithm>

#include "lib/base/status.h"
#include "lib/qemu/machine_options.h"
#include "lib/qmp/json.h"
#include "lib/report/evidence.h"
#include "lib/report/text.h"
#include "lib/report/timeline.h"

namespace tandem {
namespace {

constexpr size_t kLongestLine = 240;

// "message line; message line (file:line)" of what GoogleTest reports as "file:line\nmessage".
std::string OneLine(const std::string& failure) {
  std::vector<std::string> lines = SplitLines(failure);
  if (lines.size() < 2) return failure;
  std::string place = lines.front();
  lines.erase(lines.begin());
  return fmt::format("{} ({})", fmt::join(lines, "; "), place);
}

std::string Headline(const TestEvidence& evidence) {
  if (evidence.failures.empty()) return evidence.test_name + ": no failure was reported";
  std::string line = fmt::format("{}: {}", evidence.test_name, OneLine(evidence.failures.front()));
  size_t more = evidence.failures.size() - 1;
  return more == 0 ? line : fmt::format("{} (and {} more)", line, more);
}

// ", <label> <member>" of the last answer to `query`; "" when it was not asked or tells nothing.
std::string Answered(const MachineEvidence& machine, std::string_view query,
                     std::string_view member, std::string_view label) {
  for (const auto& [name, answer] : machine.last_answers) {
    if (name != query) continue;
    absl::StatusOr<Json> parsed = Json::Parse(answer);
    if (!parsed.ok()) return fmt::format(", {} unknown", label);
    std::string value = (*parsed)[member].Text();
    return value.empty() ? "" : fmt::format(", {} {}", label, value);
  }
  return "";
}

std::string LastEvent(const MachineEvidence& machine, const std::vector<TimelineLine>& timeline) {
  auto is_event = [&](const TimelineLine& line) {
    return line.origin == machine.role && line.text.starts_with("* ");
  };
  auto last = std::find_if(timeline.rbegin(), timeline.rend(), is_event);
  if (last == timeline.rend()) return "no event";
  return fmt::format("last event {} at {:.3f} ms", last->text.substr(2), last->time_ms);
}

std::string MachineLine(const MachineEvidence& machine, const std::vector<TimelineLine>& timeline) {
  return fmt::format("{}: {}{}{}{}; {}", machine.role, machine.process_state,
                     Answered(machine, "query-status", "status", "run state"),
                     Answered(machine, "query-migrate", "status", "migration"),
                     Answered(machine, "query-colo-status", "mode", "COLO"),
                     LastEvent(machine, timeline));
}

// The lines that are left before the two that say where the rest is.
void AddLastEvents(const std::vector<TimelineLine>& timeline, size_t limit,
                   std::vector<std::string>& lines) {
  if (lines.size() >= limit) return;
  size_t count = std::min(limit - lines.size(), timeline.size());
  for (size_t i = timeline.size() - count; i < timeline.size(); ++i) {
    const TimelineLine& line = timeline[i];
    lines.push_back(fmt::format("{:.3f} ms {} {}", line.time_ms, line.origin, line.text));
  }
}

std::vector<std::string> EssentialLines(const TestEvidence& evidence,
                                        const std::vector<TimelineLine>& timeline) {
  std::vector<std::string> lines = {Headline(evidence)};
  for (const MachineEvidence& machine : evidence.machines) {
    lines.push_back(MachineLine(machine, timeline));
  }
  for (const MachineEvidence& machine : evidence.machines) {
    std::vector<std::string> report = SplitLines(machine.oracle_report);
    if (!report.empty()) lines.push_back(fmt::format("oracle on {}: {}", machine.role, report[0]));
  }
  return lines;
}

}  // namespace

std::string SummarizeEvidence(const std::string& directory, const TestEvidence& evidence,
                              size_t lines) {
  std::vector<TimelineLine> timeline;
  if (evidence.recording != nullptr) timeline = MakeTimeline(*evidence.recording);
  const std::vector<std::string> pointers = {
      "evidence: " + directory, "replay: " + QuoteForShell(directory + "/reproduce.sh")};
  const size_t room = lines > pointers.size() ? lines - pointers.size() : 0;
  std::vector<std::string> essence = EssentialLines(evidence, timeline);
  if (essence.size() > room) essence.resize(room);
  AddLastEvents(timeline, room, essence);
  std::string text;
  for (const std::string& line : essence) text += Shorten(Printable(line), kLongestLine) + "\n";
  for (size_t i = 0; i < std::min(lines, pointers.size()); ++i) text += pointers[i] + "\n";
  return text;
}

}  // namespace tandem
