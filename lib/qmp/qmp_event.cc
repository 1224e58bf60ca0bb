// SPDX-License-Identifier: Apache-2.0
#include "lib/qmp/qmp_event.h"

namespace tandem {

void EventLog::Append(const Json& event, absl::Time read_time) {
  const Json stamp = event["timestamp"];
  std::lock_guard lock(mutex_);
  events_.push_back(QmpEvent{
      .after = events_.size() + 1,
      .name = event["event"].Text(),
      .data = event["data"],
      .qemu_time = absl::FromUnixSeconds(stamp["seconds"].Integer().value_or(0)) +
                   absl::Microseconds(stamp["microseconds"].Integer().value_or(0)),
      .read_time = read_time,
  });
}

EventCursor EventLog::cursor() const {
  std::lock_guard lock(mutex_);
  return events_.size();
}

std::vector<QmpEvent> EventLog::EventsAfter(EventCursor cursor) const {
  std::lock_guard lock(mutex_);
  if (cursor >= events_.size()) return {};
  return {events_.begin() + static_cast<std::ptrdiff_t>(cursor), events_.end()};
}

std::optional<QmpEvent> EventLog::FindAfter(EventCursor cursor,
                                            const EventPredicate& wanted) const {
  std::lock_guard lock(mutex_);
  for (size_t i = cursor; i < events_.size(); ++i) {
    if (wanted(events_[i])) return events_[i];
  }
  return std::nullopt;
}

size_t EventLog::CountAfter(EventCursor cursor, const EventPredicate& wanted) const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (size_t i = cursor; i < events_.size(); ++i) count += wanted(events_[i]) ? 1 : 0;
  return count;
}

EventPredicate EventNamed(std::string name) {
  return [name = std::move(name)](const QmpEvent& event) { return event.name == name; };
}

EventPredicate MigrationEvent(std::string status) {
  return [status = std::move(status)](const QmpEvent& event) {
    return event.name == "MIGRATION" && event.data["status"].Text() == status;
  };
}

}  // namespace tandem
