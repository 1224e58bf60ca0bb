// SPDX-License-Identifier: Apache-2.0
// The recording of one test: everything that was said to and by its processes, in one order, and
// the one place where Tandem waits.
//
// The I/O thread appends what it reads; each append wakes the waiters, which look at the state they
// await. A report is a rendering of the recording. A process that dies when nobody expected it, or
// a watchdog, ends every wait at once by Interrupt().
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lib/base/deadline.h"

namespace tandem {

// What an entry of the recording holds.
enum class EntryKind {
  kQmpSent,   // a QMP command, as JSON text
  kQmpReply,  // a QMP answer or greeting, as JSON text
  kQmpEvent,  // a QMP event, as JSON text
  kSerial,    // bytes of the serial console
  kStderr,    // one line of standard error
  kStdout,    // one line of standard output
  kProcess,   // a process started or ended
  kNote,      // what the test itself did or found
};

// "qmp>", "qmp<", "event", "serial", "stderr", "stdout", "process", "note".
std::string_view EntryKindName(EntryKind kind);

// One thing that happened. A value.
struct RecordingEntry {
  uint64_t sequence = 0;  // 1 for the first entry; no gaps but where a stream was cut
  absl::Time time;        // of the append, by the wall clock
  EntryKind kind = EntryKind::kNote;
  std::string origin;  // role of the machine: "source", "secondary", …; "test" for the test itself
  std::string text;
};

// A wait that did not see what it awaited. A value.
struct FailedWait {
  absl::Time began, ended;
  std::string awaited;
};

// Of what one process writes to one of its standard streams the recording keeps the first part and
// the last; each so long, counted with what an entry costs. In place of the rest stands one entry
// that says how much is missing.
inline constexpr size_t kKeptOfStream = 4 << 20;

// Thread-safe. Owns its entries.
class Recording {
 public:
  Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Adds an entry stamped now, wakes every waiter, and returns its sequence number.
  uint64_t Append(std::string_view origin, EntryKind kind, std::string_view text);
  // Several entries with one stamp, for which the waiters are woken once.
  void AppendLines(std::string_view origin, EntryKind kind, const std::vector<std::string>& lines);
  // Wakes every waiter after a change of state that is not worth an entry.
  void Notify();

  absl::Time start_time() const { return start_time_; }
  // The number of the newest entry; a cursor: what comes later has a larger number.
  uint64_t last_sequence() const;
  // Copies of the entries after `cursor`, in order.
  std::vector<RecordingEntry> EntriesAfter(uint64_t cursor) const;
  // The last `count` entries of a kind, as "origin text" lines, oldest first.
  std::vector<std::string> LastOfKind(EntryKind kind, size_t count) const;

  // Blocks until `ready()` is true. It is called without locks, first at once and then after each
  // append. Errors: what Interrupt() said; DeadlineExceeded with `awaited`, the time waited,
  // `last_state()` (when given) and the last five QMP events.
  absl::Status Wait(const Deadline& deadline, std::string_view awaited,
                    const std::function<bool()>& ready,
                    const std::function<std::string()>& last_state = nullptr);

  // The newest waits that ended with an error, oldest first.
  std::vector<FailedWait> failed_waits() const;

  // Ends every present and later wait whose condition does not hold with `status` and what it
  // awaited. The first interruption stays until ClearInterruption(), which the collection of
  // evidence calls before it asks the living machines for their last state.
  void Interrupt(absl::Status status);
  void ClearInterruption();
  absl::Status interruption() const;

 private:
  std::string DescribeTimeout(const Deadline& deadline, std::string_view awaited,
                              const std::function<std::string()>& last_state) const;

  absl::Status WaitUntil(const Deadline& deadline, std::string_view awaited,
                         const std::function<bool()>& ready,
                         const std::function<std::string()>& last_state);

  // One standard stream of one process.
  struct Stream {
    size_t head_size = 0, tail_size = 0;
    std::deque<uint64_t> tail;  // sequences of the entries behind the head
    uint64_t gap = 0;           // the entry that stands for what was dropped; 0: nothing was
    size_t dropped_lines = 0, dropped_bytes = 0;
  };

  // With mutex_ held.
  RecordingEntry& AddEntry(std::string_view origin, EntryKind kind, std::string_view text);
  void LimitStream(const RecordingEntry& added);
  void Wake();

  const absl::Time start_time_;
  const bool stream_to_stderr_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t changes_ = 0;  // appends and notifications
  uint64_t last_sequence_ = 0;
  std::map<uint64_t, RecordingEntry> entries_;  // by sequence
  std::map<std::pair<std::string, EntryKind>, Stream> streams_;
  absl::Status interruption_;
  std::deque<FailedWait> failed_waits_;
};

}  // namespace tandem
