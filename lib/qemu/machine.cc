// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/machine.h"

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "lib/base/status.h"
#include "lib/process/unix_socket.h"

namespace tandem {
namespace {

// How long the end of a process may come after the end of its QMP connection.
constexpr absl::Duration kDeathAfterDisconnect = absl::Seconds(2);

// How often QEMU is asked for what it does not announce; an answer takes 0.2 ms.
constexpr absl::Duration kPollPeriod = absl::Milliseconds(2);

std::string SocketPath(const ScratchDirectory& scratch, std::string_view role,
                       std::string_view kind) {
  static std::atomic<int> number = 0;
  return scratch.File(fmt::format("{}-{}.{}", role, ++number, kind));
}

bool HasConnection(int listener) {
  pollfd entry{.fd = listener, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Machine>> Machine::Launch(const QemuBinary& binary,
                                                         const MachineOptions& options,
                                                         const ScratchDirectory& scratch,
                                                         Recording& recording) {
  std::unique_ptr<Machine> machine(new Machine(options, recording));
  TANDEM_RETURN_IF_ERROR(
      WithContext(machine->Start(binary, scratch), "cannot start the " + options.role));
  return machine;
}

absl::Status Machine::Start(const QemuBinary& binary, const ScratchDirectory& scratch) {
  std::string qmp_path = SocketPath(scratch, role(), "qmp");
  std::string serial_path = SocketPath(scratch, role(), "serial");
  TANDEM_ASSIGN_OR_RETURN(qmp_listener_, ListenUnix(qmp_path));
  TANDEM_ASSIGN_OR_RETURN(serial_listener_, ListenUnix(serial_path));
  SpawnOptions spawn{.name = role(), .argv = binary.command()};
  for (std::string& argument : CommandLine(options_, qmp_path, serial_path)) {
    spawn.argv.push_back(std::move(argument));
  }
  TANDEM_ASSIGN_OR_RETURN(process_, ChildProcess::Spawn(spawn, recording_));
  return WatchForConnection();
}

absl::Status Machine::WatchForConnection() {
  if (connect_watch_ != 0) IoThread::Instance().Unwatch(connect_watch_);
  TANDEM_ASSIGN_OR_RETURN(connect_watch_, IoThread::Instance().Watch(qmp_listener_.get(), [this] {
    recording_.Notify();
    return false;
  }));
  return absl::OkStatus();
}

Machine::~Machine() {
  if (connect_watch_ != 0) IoThread::Instance().Unwatch(connect_watch_);
  process_.reset();
}

absl::Status Machine::AwaitReady(const Deadline& deadline) {
  return ready() ? absl::OkStatus() : AcceptConnections(deadline);
}

absl::Status Machine::AwaitSuccessor(const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(WatchForConnection());
  return AcceptConnections(deadline);
}

absl::Status Machine::AcceptConnections(const Deadline& deadline) {
  absl::Status waited = recording_.Wait(
      deadline, fmt::format("the QMP connection of the {} (pid {})", role(), process_->pid()),
      [this] { return HasConnection(qmp_listener_.get()) || !process_->running(); });
  if (!process_->running()) return ExplainEnd(absl::UnavailableError("QEMU did not connect"));
  TANDEM_RETURN_IF_ERROR(waited);
  TANDEM_ASSIGN_OR_RETURN(UniqueFd qmp, AcceptUnix(qmp_listener_.get()));
  qemu_pid_ = PeerPid(qmp.get());
  auto client = std::make_unique<QmpClient>(role(), std::move(qmp), recording_);
  client->set_explain_end([this](const absl::Status& ended) { return ExplainEnd(ended); });
  TANDEM_RETURN_IF_ERROR(client->Negotiate(deadline));
  // QEMU answers commands only when all its devices are there, so the console is connected by now.
  absl::StatusOr<UniqueFd> serial = AcceptUnix(serial_listener_.get());
  if (absl::IsUnavailable(serial.status())) {
    return ExplainEnd(MakeError(absl::StatusCode::kInternal,
                                "the {} (pid {}) answers QMP but did not connect its serial port",
                                role(), pid()));
  }
  TANDEM_RETURN_IF_ERROR(serial.status());
  TANDEM_ASSIGN_OR_RETURN(serial_, SerialPort::Open(role(), *std::move(serial), recording_));
  qmp_ = std::move(client);
  return absl::OkStatus();
}

absl::Status Machine::ExplainEnd(const absl::Status& connection_ended) const {
  recording_
      .Wait(Deadline::After(kDeathAfterDisconnect), "the end of " + role(),
            [this] { return !process_->running(); })
      .IgnoreError();
  return process_->running() ? connection_ended : process_->DeathError();
}

bool Machine::alive() const { return ready() && process_->running() && qmp_->connected(); }

absl::Status Machine::Stop(const Deadline& deadline) {
  return qmp_->Execute("stop", deadline).status();
}

absl::Status Machine::Cont(const Deadline& deadline) {
  return qmp_->Execute("cont", deadline).status();
}

absl::StatusOr<std::string> Machine::RunState(const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(Json reply, qmp_->Execute("query-status", deadline));
  return reply["status"].Text();
}

absl::Status Machine::Poll(const std::string& awaited,
                           const std::function<absl::StatusOr<bool>()>& done,
                           const std::function<std::string()>& last_state,
                           const Deadline& deadline) {
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(bool is_done, done());
    if (is_done) return absl::OkStatus();
    if (deadline.expired()) {
      // For its message: what was awaited, how long, the last events.
      return recording_.Wait(
          deadline, awaited, [] { return false; }, last_state);
    }
    EventCursor now = events().cursor();
    recording_
        .Wait(Deadline::AfterUnscaled(kPollPeriod), awaited,
              [&] { return events().cursor() != now; })
        .IgnoreError();
  }
}

absl::Status Machine::PollRunState(const std::string& wanted, const Deadline& deadline) {
  std::string found;
  return Poll(
      fmt::format("run state {} of the {}", wanted, role()),
      [&]() -> absl::StatusOr<bool> {
        TANDEM_ASSIGN_OR_RETURN(found, RunState(deadline));
        return found == wanted;
      },
      [&] { return found; }, deadline);
}

absl::StatusOr<std::string> Machine::HumanMonitor(const std::string& line,
                                                  const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(
      Json reply,
      qmp_->Execute("human-monitor-command", Json::Object({{"command-line", line}}), deadline));
  return reply.Text();
}

absl::Status Machine::Quit(const Deadline& deadline) {
  process_->ExpectExit();
  TANDEM_RETURN_IF_ERROR(qmp_->Execute("quit", deadline).status());
  TANDEM_ASSIGN_OR_RETURN(ExitStatus status, process_->WaitForExit(deadline));
  if (status.succeeded()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInternal, "after quit, {}", Message(process_->DeathError()));
}

absl::Status Machine::Kill(const Deadline& deadline) {
  recording_.Append(role(), EntryKind::kNote, "kill " + role());
  return process_->KillTree(deadline);
}

absl::Status Machine::Freeze() {
  recording_.Append(role(), EntryKind::kNote, "freeze " + role());
  process_->ExpectExit();
  return SignalQemu(SIGSTOP);
}

absl::Status Machine::Thaw() {
  recording_.Append(role(), EntryKind::kNote, "thaw " + role());
  return SignalQemu(SIGCONT);
}

// QEMU itself, not a wrapper in front of it.
absl::Status Machine::SignalQemu(int signal) {
  if (kill(pid(), signal) == 0) return absl::OkStatus();
  return ErrnoError(errno, fmt::format("signalling {} (pid {})", role(), pid()));
}

}  // namespace tandem
