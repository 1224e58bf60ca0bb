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
constexpr size_t kKeptWaits = 50;
constexpr size_t kEntryCost = sizeof(RecordingEntry) + 64;  // its node and its place in a queue

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
  uint64_t sequence = AddEntry(origin, kind, text).sequence;
  Wake();
  return sequence;
}

void Recording::AppendLines(std::string_view origin, EntryKind kind,
                            const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  std::lock_guard lock(mutex_);
  for (const std::string& line : lines) AddEntry(origin, kind, line);
  Wake();
}

RecordingEntry& Recording::AddEntry(std::string_view origin, EntryKind kind,
                                    std::string_view text) {
  RecordingEntry& entry = entries_[++last_sequence_];
  entry = {.sequence = last_sequence_,
           .time = absl::Now(),
           .kind = kind,
           .origin = std::string(origin),
           .text = std::string(text)};
  if (stream_to_stderr_) StreamEntry(entry, start_time_);
  if (kind == EntryKind::kStderr || kind == EntryKind::kStdout) LimitStream(entry);
  return entry;
}

// Drops half of the tail at a time, so that a flood costs little for each of its lines.
void Recording::LimitStream(const RecordingEntry& added) {
  Stream& stream = streams_[{added.origin, added.kind}];
  size_t size = added.text.size() + kEntryCost;
  if (stream.tail.empty() && stream.gap == 0 && stream.head_size + size <= kKeptOfStream) {
    stream.head_size += size;
    return;
  }
  stream.tail.push_back(added.sequence);
  stream.tail_size += size;
  if (stream.tail_size <= 2 * kKeptOfStream) return;
  while (stream.tail.size() > 1 && stream.tail_size > kKeptOfStream) {
    auto oldest = entries_.find(stream.tail.front());
    stream.tail.pop_front();
    stream.tail_size -= oldest->second.text.size() + kEntryCost;
    ++stream.dropped_lines;
    stream.dropped_bytes += oldest->second.text.size();
    if (stream.gap == 0) {
      stream.gap = oldest->first;
    } else {
      entries_.erase(oldest);
    }
  }
  if (stream.gap == 0) return;
  entries_[stream.gap].text = fmt::format(
      "[{} lines with {} bytes were dropped here: of each stream Tandem keeps the "
      "beginning and the end]",
      stream.dropped_lines, stream.dropped_bytes);
}

void Recording::Wake() {
  ++changes_;
  changed_.notify_all();
}

void Recording::Notify() {
  std::lock_guard lock(mutex_);
  Wake();
}

uint64_t Recording::last_sequence() const {
  std::lock_guard lock(mutex_);
  return last_sequence_;
}

std::vector<RecordingEntry> Recording::EntriesAfter(uint64_t cursor) const {
  std::lock_guard lock(mutex_);
  std::vector<RecordingEntry> found;
  for (auto entry = entries_.upper_bound(cursor); entry != entries_.end(); ++entry) {
    found.push_back(entry->second);
  }
  return found;
}

std::vector<std::string> Recording::LastOfKind(EntryKind kind, size_t count) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && lines.size() < count; ++entry) {
    if (entry->second.kind == kind) {
      lines.push_back(entry->second.origin + " " + entry->second.text);
    }
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
  absl::Time began = absl::Now();
  absl::Status waited = WaitUntil(deadline, awaited, ready, last_state);
  if (waited.ok()) return waited;
  std::lock_guard lock(mutex_);
  failed_waits_.push_back({began, absl::Now(), std::string(awaited)});
  if (failed_waits_.size() > kKeptWaits) failed_waits_.pop_front();
  return waited;
}

absl::Status Recording::WaitUntil(const Deadline& deadline, std::string_view awaited,
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

std::vector<FailedWait> Recording::failed_waits() const {
  std::lock_guard lock(mutex_);
  return {failed_waits_.begin(), failed_waits_.end()};
}

void Recording::Interrupt(absl::Status status) {
  std::lock_guard lock(mutex_);
  if (interruption_.ok()) interruption_ = std::move(status);
  Wake();
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
