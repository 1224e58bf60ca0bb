// SPDX-License-Identifier: Apache-2.0
// A QMP conversation with one QEMU (docs/interop/qmp-spec in QEMU's tree).
//
// The I/O thread reads JSON lines, matches answers to commands by id and files events; the caller
// waits on the Recording, so a call ends at its deadline, when QEMU closes the socket, or when a
// process of the test dies unexpectedly. The whole conversation is in the Recording.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/base/recording.h"
#include "lib/base/unique_fd.h"
#include "lib/process/io_thread.h"
#include "lib/process/line_splitter.h"
#include "lib/qmp/json.h"
#include "lib/qmp/qmp_error.h"
#include "lib/qmp/qmp_event.h"

namespace tandem {

// An answer on its way; from QmpClient::Send. A value.
struct PendingReply {
  uint64_t id = 0;      // of the command on the wire
  std::string command;  // for messages
};

// Owns the connected socket. Thread-safe.
class QmpClient {
 public:
  // `name` is the machine's role in messages; `socket` a connected, non-blocking unix socket;
  // `recording` must outlive the client.
  QmpClient(std::string name, UniqueFd socket, Recording& recording);
  QmpClient(const QmpClient&) = delete;
  QmpClient& operator=(const QmpClient&) = delete;
  ~QmpClient();

  // Turns "the connection ended" into why (the end of the process behind it); not asked about
  // violations of the protocol. Called without locks on the thread that waits. Set it before the
  // first command.
  void set_explain_end(std::function<absl::Status(const absl::Status&)> explain) {
    explain_end_ = std::move(explain);
  }

  // Awaits the greeting and leaves negotiation mode, with out-of-band execution where it is
  // offered. Returns before another thread uses the client.
  absl::Status Negotiate(const Deadline& deadline);
  // The greeting's "QMP" member: version and capabilities. Null before Negotiate.
  Json greeting() const;
  // Whether the binary offered out-of-band execution; false before Negotiate.
  bool oob_enabled() const { return oob_enabled_; }

  // Runs a command and returns its "return" member. `fds` are passed along (SCM_RIGHTS; getfd,
  // add-fd). Errors: QEMU's own (see QmpErrorOf); DeadlineExceeded; Unavailable when the connection
  // or a process ended; Internal when QEMU violates the protocol.
  absl::StatusOr<Json> Execute(std::string_view command, const Json& arguments,
                               const Deadline& deadline, const std::vector<int>& fds = {});
  // A command without arguments.
  absl::StatusOr<Json> Execute(std::string_view command, const Deadline& deadline) {
    return Execute(command, Json(), deadline);
  }
  // The same out of band ("exec-oob"): answered even while QEMU's main loop is blocked.
  // FailedPrecondition when the binary did not offer it.
  absl::StatusOr<Json> ExecuteOob(std::string_view command, const Json& arguments,
                                  const Deadline& deadline);
  // The first half of Execute, for commands whose answer comes late: returns when the command is
  // written. Its errors are those of Execute but QEMU's own.
  absl::StatusOr<PendingReply> Send(std::string_view command, const Json& arguments,
                                    bool out_of_band, const std::vector<int>& fds,
                                    const Deadline& deadline);
  // The second half. May be called again after DeadlineExceeded; each answer can be taken once
  // (else InvalidArgument).
  absl::StatusOr<Json> Receive(const PendingReply& pending, const Deadline& deadline);

  // All events since the connection began; lives as long as the client.
  EventLog& events() { return events_; }
  const EventLog& events() const { return events_; }
  // Blocks until there is an event behind `cursor` that is `wanted`, and returns the first.
  // `awaited` names it in the error: DeadlineExceeded with the last events, or Unavailable when the
  // connection or a process ended.
  absl::StatusOr<QmpEvent> WaitForEvent(EventCursor cursor, const EventPredicate& wanted,
                                        std::string_view awaited, const Deadline& deadline);
  // The first event of that name behind `cursor`.
  absl::StatusOr<QmpEvent> WaitForEvent(EventCursor cursor, const std::string& name,
                                        const Deadline& deadline) {
    return WaitForEvent(cursor, EventNamed(name), "event " + name, deadline);
  }

  // False once the conversation has ended, whatever ended it.
  bool connected() const;

 private:
  bool OnReadable();
  void OnLine(std::string_view line);
  void Fail(absl::Status why);
  absl::Status WhyBroken(const std::string& context) const;
  // One thread at a time, so that commands stay whole and the recording has the order of the wire.
  absl::Status WriteInTurn(const std::string& line, const std::vector<int>& fds,
                           const Deadline& deadline);
  // A command that is cut off by the deadline ends the conversation: the peer would take the next
  // one for its rest.
  absl::Status WriteLine(const std::string& line, const std::vector<int>& fds,
                         const Deadline& deadline);

  const std::string name_;
  Recording& recording_;
  UniqueFd socket_;
  LineSplitter splitter_;  // I/O thread only
  EventLog events_;
  bool oob_enabled_ = false;
  std::function<absl::Status(const absl::Status&)> explain_end_;

  mutable std::mutex mutex_;
  std::condition_variable write_ended_;
  bool writing_ = false;  // whether a thread is in WriteLine; a timed_mutex is unknown to TSan
  absl::Status broken_;   // why the conversation ended
  Json greeting_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, std::optional<Json>> replies_;  // by id; nullopt while awaited
  IoThread::WatchId watch_ = 0;
};

}  // namespace tandem
