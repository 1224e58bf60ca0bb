// SPDX-License-Identifier: Apache-2.0
// One running QEMU: its process, QMP conversation and serial port.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/base/recording.h"
#include "lib/process/child_process.h"
#include "lib/process/scratch_directory.h"
#include "lib/qemu/machine_options.h"
#include "lib/qemu/qemu_binary.h"
#include "lib/qemu/serial_port.h"
#include "lib/qmp/qmp_client.h"

namespace tandem {

// Owns a QEMU process; the destructor kills it and all it started. An unexpected death interrupts
// every wait on the Recording. Thread-safe, except Launch and the destructor.
class Machine {
 public:
  // Spawns QEMU and returns at once, so that two can start side by side. `recording` and `scratch`
  // must outlive the machine. Call from the main thread. Errors: those of starting a process or of
  // making its sockets.
  static absl::StatusOr<std::unique_ptr<Machine>> Launch(const QemuBinary& binary,
                                                         const MachineOptions& options,
                                                         const ScratchDirectory& scratch,
                                                         Recording& recording);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // Blocks until QMP is negotiated. Unavailable with exit status and last stderr line when QEMU
  // ends before. Everything below but role, process, command_line and Kill needs it.
  absl::Status AwaitReady(const Deadline& deadline);

  // For a QEMU that replaces itself by exec (CPR): awaits the connections of the one that follows
  // in the same process, which has the same options. The QMP conversation, its events and the
  // serial text begin anew; no other thread uses this machine meanwhile. Errors: those of
  // AwaitReady.
  absl::Status AwaitSuccessor(const Deadline& deadline);

  // How messages, recordings and artifacts call it.
  const std::string& role() const { return options_.role; }
  // As they were given to Launch.
  const MachineOptions& options() const { return options_; }
  // Complete, wrapper first.
  const std::vector<std::string>& command_line() const { return process_->argv(); }
  // What was spawned: QEMU, or the wrapper in front of it.
  ChildProcess& process() { return *process_; }
  const ChildProcess& process() const { return *process_; }
  Recording& recording() { return recording_; }
  // QEMU's own pid, also behind a wrapper; the spawned one before AwaitReady.
  pid_t pid() const { return qemu_pid_ > 0 ? qemu_pid_ : process_->pid(); }
  // Whether AwaitReady has succeeded.
  bool ready() const { return qmp_ != nullptr; }
  // The conversation; lives as long as the machine.
  QmpClient& qmp() { return *qmp_; }
  const EventLog& events() const { return qmp_->events(); }
  SerialPort& serial() { return *serial_; }
  // True while its process runs and its QMP connection stands.
  bool alive() const;

  // QMP `stop`; the answer comes when the state has changed. The errors here and below are those of
  // QmpClient::Execute.
  absl::Status Stop(const Deadline& deadline);
  // QMP `cont`; likewise.
  absl::Status Cont(const Deadline& deadline);
  // `query-status` (QAPI RunState): "running", "paused", "postmigrate", "inmigrate", …
  absl::StatusOr<std::string> RunState(const Deadline& deadline);
  // Awaits a run state that QEMU announces by no event (finish-migrate → postmigrate): query-status
  // is polled.
  absl::Status PollRunState(const std::string& wanted, const Deadline& deadline);
  // Polls until `done` says true or fails; for what QEMU announces by no event. DeadlineExceeded
  // with `awaited` and `last_state()`.
  absl::Status Poll(const std::string& awaited, const std::function<absl::StatusOr<bool>()>& done,
                    const std::function<std::string()>& last_state, const Deadline& deadline);
  // Runs a line of the human monitor (QMP `human-monitor-command`) and returns what it printed; the
  // monitor's own errors are such text.
  absl::StatusOr<std::string> HumanMonitor(const std::string& line, const Deadline& deadline);

  // QMP `quit`, then awaits the end of the process. Not OK when it did not end with exit code 0.
  absl::Status Quit(const Deadline& deadline);
  // SIGKILL to the whole family; returns when it is gone. This and the next two happen to the peer
  // of a test: each leaves a note in the recording that a replay follows.
  absl::Status Kill(const Deadline& deadline);
  // SIGSTOP: QEMU stands still and answers nothing until Thaw or Kill; its end is no surprise any
  // more.
  absl::Status Freeze();
  // SIGCONT after Freeze.
  absl::Status Thaw();

 private:
  absl::Status SignalQemu(int signal);
  Machine(MachineOptions options, Recording& recording)
      : options_(std::move(options)), recording_(recording) {}
  absl::Status Start(const QemuBinary& binary, const ScratchDirectory& scratch);
  absl::Status WatchForConnection();
  absl::Status AcceptConnections(const Deadline& deadline);
  absl::Status ExplainEnd(const absl::Status& connection_ended) const;

  const MachineOptions options_;
  Recording& recording_;
  UniqueFd qmp_listener_, serial_listener_;
  IoThread::WatchId connect_watch_ = 0;
  std::unique_ptr<ChildProcess> process_;
  pid_t qemu_pid_ = -1;
  std::unique_ptr<SerialPort> serial_;
  std::unique_ptr<QmpClient> qmp_;
};

}  // namespace tandem
