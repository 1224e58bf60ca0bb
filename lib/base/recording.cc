// SPDX-License-Identifier: Apache-2.0
#include "lib/base/recording.h"

#include <algorithm>
#include <cstdio>

#include "absl/time/clock.h"
#include "lib/base/environment.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr size_t kEventsInTimeoutMessage = 5;

// QTEST_LOG streams the conversation with QEMU while it happens, as users of libqtest expect.
void StreamEntry(const RecordingEntry& entry, absl::Time start) {
  std::string line = fmt::format("[{:9.6f}] {} {}: {}\n", absl::ToDoubleSeconds(entry.time - start),
                                 entry.origin, EntryKindName(entry.kind), entry.text);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

std::string_view EntryKindName(EntryKind kind) {
  switch (kind) {
    case EntryKind::kQmpSent:
      return "qmp>";
    case EntryKind::kQmpReply:
      return "qmp<";
    case EntryKind::kQmpEvent:
      return "event";
    case EntryKind::kSerial:
      return "serial";
    case EntryKind::kStderr:
      return "stderr";
    case EntryKind::kStdout:
      return "stdout";
    case EntryKind::kProcess:
      return "process";
    case EntryKind::kNote:
      return "note";
  }
  return "?";
}

Recording::Recording()
    : start_time_(absl::Now()), stream_to_stderr_(EnvironmentValue("QTEST_LOG").has_value()) {}

uint64_t Recording::Append(std::string_view origin, EntryKind kind, std::string_view text) {
  std::lock_guard lock(mutex_);
  RecordingEntry& entry = entries_.emplace_back(RecordingEntry{
      .sequence = entries_.size() + 1,
      .time = absl::Now(),
      .kind = kind,
      .origin = std::string(origin),
      .text = std::string(text),
  });
  if (stream_to_stderr_) StreamEntry(entry, start_time_);
  ++changes_;
  changed_.notify_all();
  return entry.sequence;
}

void Recording::Notify() {
  std::lock_guard lock(mutex_);
  ++changes_;
  changed_.notify_all();
}

uint64_t Recording::last_sequence() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

std::vector<RecordingEntry> Recording::EntriesAfter(uint64_t cursor) const {
  std::lock_guard lock(mutex_);
  if (cursor >= entries_.size()) return {};
  return {entries_.begin() + static_cast<std::ptrdiff_t>(cursor), entries_.end()};
}

std::vector<std::string> Recording::LastOfKind(EntryKind kind, size_t count) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && lines.size() < count; ++entry) {
    if (entry->kind == kind) lines.push_back(entry->origin + " " + entry->text);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

std::string Recording::DescribeTimeout(const Deadline& deadline, std::string_view awaited,
                                       const std::function<std::string()>& last_state) const {
  std::string text = fmt::format("timed out after {} waiting for {}",
                                 FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed())), awaited);
  if (last_state) text += fmt::format("; last state: {}", last_state());
  std::vector<std::string> events = LastOfKind(EntryKind::kQmpEvent, kEventsInTimeoutMessage);
  text += events.empty() ? "; no QMP event came" : "; last events:";
  for (const std::string& event : events) text += "\n  " + event;
  return text;
}

absl::Status Recording::Wait(const Deadline& deadline, std::string_view awaited,
                             const std::function<bool()>& ready,
                             const std::function<std::string()>& last_state) {
  for (;;) {
    uint64_t seen = 0;
    absl::Status interruption;
    {
      std::lock_guard lock(mutex_);
      seen = changes_;
      interruption = interruption_;
    }
    if (ready()) return absl::OkStatus();
    if (!interruption.ok()) return WithContext(interruption, fmt::format("awaiting {}", awaited));
    if (deadline.expired()) {
      return absl::DeadlineExceededError(DescribeTimeout(deadline, awaited, last_state));
    }
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline.time_point(), [&] { return changes_ != seen; });
  }
}

void Recording::Interrupt(absl::Status status) {
  std::lock_guard lock(mutex_);
  if (interruption_.ok()) interruption_ = std::move(status);
  ++changes_;
  changed_.notify_all();
}

void Recording::ClearInterruption() {
  std::lock_guard lock(mutex_);
  interruption_ = absl::OkStatus();
}

absl::Status Recording::interruption() const {
  std::lock_guard lock(mutex_);
  return interruption_;
}

}  // namespace tandem
