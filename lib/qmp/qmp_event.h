// SPDX-License-Identifier: Apache-2.0
// QMP events in the order in which they came.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "lib/qmp/json.h"

namespace tandem {

// Position in an event log. Take one before the command whose event you await.
using EventCursor = size_t;

// One event, with both clocks. A value.
struct QmpEvent {
  EventCursor after = 0;  // the cursor that lies just behind this event
  std::string name;       // "STOP", "MIGRATION", …
  Json data;              // null when the event has none
  absl::Time qemu_time;   // QEMU's own timestamp, microseconds
  absl::Time read_time;   // when the I/O thread read it
};

// Whether an event is the awaited one. It is called without locks.
using EventPredicate = std::function<bool(const QmpEvent&)>;

// All events of one machine. Append-only. Thread-safe.
class EventLog {
 public:
  // Takes a QMP event object; `read_time` is when it was read.
  void Append(const Json& event, absl::Time read_time);
  EventCursor cursor() const;
  std::vector<QmpEvent> EventsAfter(EventCursor cursor) const;
  // The first event behind `cursor` for which `wanted` is true, and how many there are. `wanted` is
  // called with the log locked, so it must not use the log.
  std::optional<QmpEvent> FindAfter(EventCursor cursor, const EventPredicate& wanted) const;
  size_t CountAfter(EventCursor cursor, const EventPredicate& wanted) const;

 private:
  mutable std::mutex mutex_;
  std::vector<QmpEvent> events_;
};

// Events by name.
EventPredicate EventNamed(std::string name);
// MIGRATION events that report `status` (QAPI MigrationStatus).
EventPredicate MigrationEvent(std::string status);

}  // namespace tandem
