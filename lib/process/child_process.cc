// SPDX-License-Identifier: Apache-2.0
#include "lib/process/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "lib/base/status.h"
#include "lib/process/guardian.h"
#include "lib/process/process_tree.h"

namespace tandem {
namespace {

constexpr absl::Duration kKillTime = absl::Seconds(10);
constexpr size_t kReadSize = 1 << 16;  // a pipe's usual capacity
constexpr size_t kQuotedLine = 1000;  // bytes of the last line on stderr that are kept for messages

struct Pipe {
  UniqueFd read, write;
};

// Above the standard descriptors, also where those are closed: the child puts them in place by
// dup2.
UniqueFd AboveStandard(int fd) {
  UniqueFd low(fd);
  return UniqueFd(fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoError(errno, "cannot make a pipe");
  Pipe pipe{AboveStandard(ends[0]), AboveStandard(ends[1])};
  if (!pipe.read.valid() || !pipe.write.valid()) return ErrnoError(errno, "cannot make a pipe");
  return pipe;
}

// Where a standard stream of the child goes: to us, or to a file, of which nothing is read.
absl::StatusOr<Pipe> MakeOutput(const std::string& file) {
  if (file.empty()) return MakePipe();
  int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoError(errno, "cannot write " + file);
  Pipe output{UniqueFd(), AboveStandard(fd)};
  if (!output.write.valid()) return ErrnoError(errno, "cannot write " + file);
  return output;
}

std::string NextTag() {
  static std::atomic<int> number = 0;
  return fmt::format("{}{}.", OwnerTagPrefix(), ++number);  // the dot: tag 1 is no prefix of 10
}

// Everything the child needs after fork, prepared before: it may call no allocator.
struct ExecPlan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::vector<int> inherited_fds;
  int stdout_fd, stderr_fd, error_fd;
  pid_t parent;
};

[[noreturn]] void ExecChild(const ExecPlan& plan) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(127);  // the parent died before prctl took effect
  // Ours may be ignored: a shell does so to what it runs in the background.
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  close(STDIN_FILENO);
  open("/dev/null", O_RDONLY);  // takes the lowest free number, which is that of stdin
  dup2(plan.stdout_fd, STDOUT_FILENO);
  dup2(plan.stderr_fd, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U,
              CLOSE_RANGE_CLOEXEC);  // needs Linux 5.11; else O_CLOEXEC must do
  for (int fd : plan.inherited_fds) fcntl(fd, F_SETFD, 0);
  execvpe(plan.argv[0], plan.argv.data(), plan.environment.data());
  int error = errno;
  (void)!write(plan.error_fd, &error, sizeof error);
  _exit(127);
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> ChildEnvironment(const SpawnOptions& options, const std::string& tag) {
  auto added = options.environment;
  added.emplace_back(std::string(kProcessTagVariable), tag);
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view ours = *entry;
    bool replaced = false;
    for (const auto& [name, value] : added) replaced |= ours.starts_with(name + "=");
    if (!replaced) result.emplace_back(ours);
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

}  // namespace

ChildProcess::ChildProcess(const SpawnOptions& options, std::string tag, Recording& recording)
    : name_(options.name),
      tag_(std::move(tag)),
      argv_(options.argv),
      recording_(recording),
      exit_expected_(options.ends_by_itself) {
  stdout_.kind = EntryKind::kStdout;
  stderr_.kind = EntryKind::kStderr;
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Spawn(const SpawnOptions& options,
                                                                  Recording& recording) {
  TANDEM_RETURN_IF_ERROR(Guardian::Instance().status());
  std::unique_ptr<ChildProcess> child(new ChildProcess(options, NextTag(), recording));
  TANDEM_RETURN_IF_ERROR(child->Start(options));
  return child;
}

absl::Status ChildProcess::Start(const SpawnOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(Pipe out, MakeOutput(options.stdout_file));
  TANDEM_ASSIGN_OR_RETURN(Pipe err, MakeOutput(options.stderr_file));
  TANDEM_ASSIGN_OR_RETURN(Pipe exec_error, MakePipe());
  std::vector<std::string> argv = options.argv;
  std::vector<std::string> environment = ChildEnvironment(options, tag_);
  ExecPlan plan{Pointers(argv),  Pointers(environment), options.inherited_fds,
                out.write.get(), err.write.get(),       exec_error.write.get(),
                getpid()};
  pid_ = fork();
  if (pid_ < 0) return ErrnoError(errno, "cannot fork for " + name_);
  if (pid_ == 0) ExecChild(plan);
  setpgid(pid_, pid_);
  pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  int pidfd_error = errno;
  out.write.reset();
  err.write.reset();
  exec_error.write.reset();
  int error = 0;
  if (TEMP_FAILURE_RETRY(read(exec_error.read.get(), &error, sizeof error)) == sizeof error) {
    Reap();
    return ErrnoError(error, fmt::format("cannot start {}: {}", name_, argv[0]));
  }
  if (!pidfd_.valid()) {
    Reap();
    return ErrnoError(pidfd_error, "pidfd_open (needs Linux 5.3)");
  }
  recording_.Append(name_, EntryKind::kProcess,
                    fmt::format("started with pid {}: {}", pid_, fmt::join(argv_, " ")));
  for (auto [output, pipe] : {std::pair{&stdout_, &out}, std::pair{&stderr_, &err}}) {
    output->fd = std::move(pipe->read);
    if (!output->fd.valid()) continue;  // a file
    fcntl(output->fd.get(), F_SETFL, O_NONBLOCK);
  }
  absl::Status watched = StartWatching();
  if (!watched.ok()) Reap();
  return watched;
}

absl::Status ChildProcess::StartWatching() {
  for (Output* output : {&stdout_, &stderr_}) {
    if (!output->fd.valid()) continue;
    TANDEM_ASSIGN_OR_RETURN(output->watch, IoThread::Instance().Watch(output->fd.get(), [=, this] {
      ssize_t size = ReadOutput(*output);
      return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
    }));
  }
  TANDEM_ASSIGN_OR_RETURN(exit_watch_,
                          IoThread::Instance().Watch(pidfd_.get(), [this] { return OnExit(); }));
  return absl::OkStatus();
}

void ChildProcess::Reap() {
  kill(pid_, SIGKILL);
  TEMP_FAILURE_RETRY(waitpid(pid_, nullptr, 0));
  pid_ = -1;
}

ssize_t ChildProcess::ReadOutput(Output& output) {
  char buffer[kReadSize];
  ssize_t size = read(output.fd.get(), buffer, sizeof buffer);
  int error = errno;
  std::vector<std::string> lines;
  auto on_line = [&](std::string_view line) { lines.emplace_back(line); };
  if (size > 0) output.splitter.Feed({buffer, static_cast<size_t>(size)}, on_line);
  if (size == 0) output.splitter.Finish(on_line);
  Record(output, lines);
  errno = error;
  return size;
}

void ChildProcess::ReadLastOutput(Output& output) {
  int unread = 0;
  ioctl(output.fd.get(), FIONREAD, &unread);
  while (unread > 0) {
    ssize_t size = ReadOutput(output);
    if (size <= 0) break;
    unread -= static_cast<int>(size);
  }
  output.splitter.Finish([&](std::string_view line) { Record(output, {std::string(line)}); });
}

void ChildProcess::Record(const Output& output, const std::vector<std::string>& lines) {
  auto last = std::find_if(lines.rbegin(), lines.rend(), [](auto& line) { return !line.empty(); });
  if (output.kind == EntryKind::kStderr && last != lines.rend()) {
    std::lock_guard lock(mutex_);
    last_stderr_line_ = last->substr(0, kQuotedLine);
  }
  recording_.AppendLines(name_, output.kind, lines);
}

bool ChildProcess::OnExit() {
  siginfo_t info{};
  int waited = waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
  if (waited == 0 && info.si_pid == 0) return true;
  // Somebody else reaped it (a waitpid(-1), SIGCHLD ignored): how it ended is not known.
  ExitStatus status = waited == 0 ? ExitStatus::FromSiginfo(info) : ExitStatus{.value = -1};
  ReadLastOutput(stdout_);
  ReadLastOutput(stderr_);
  recording_.Append(name_, EntryKind::kProcess, "ended with " + status.ToString());
  // Interrupts under the lock: after ExpectExit no interruption comes late.
  std::lock_guard lock(mutex_);
  exit_status_ = status;
  ended_.notify_all();
  if (exit_expected_) {
    recording_.Notify();
  } else {
    recording_.Interrupt(DescribeDeath());
  }
  return false;
}

absl::Status ChildProcess::DescribeDeath() const {
  return MakeError(absl::StatusCode::kUnavailable,
                   "{} (pid {}) died with {}; its last line on stderr: {}", name_, pid_,
                   exit_status_->ToString(),
                   last_stderr_line_.empty() ? "(none)" : last_stderr_line_);
}

absl::Status ChildProcess::DeathError() const {
  std::lock_guard lock(mutex_);
  return DescribeDeath();
}

std::optional<ExitStatus> ChildProcess::exit_status() const {
  std::lock_guard lock(mutex_);
  return exit_status_;
}

std::string ChildProcess::last_stderr_line() const {
  std::lock_guard lock(mutex_);
  return last_stderr_line_;
}

void ChildProcess::ExpectExit() {
  std::lock_guard lock(mutex_);
  exit_expected_ = true;
}

bool ChildProcess::exit_expected() const {
  std::lock_guard lock(mutex_);
  return exit_expected_;
}

absl::StatusOr<ExitStatus> ChildProcess::WaitForExit(const Deadline& deadline) {
  ExpectExit();
  TANDEM_RETURN_IF_ERROR(recording_.Wait(
      deadline, fmt::format("the end of {} (pid {})", name_, pid_), [this] { return !running(); }));
  return *exit_status();
}

absl::StatusOr<std::vector<pid_t>> ChildProcess::FindTree() const { return FindTagged(tag_); }

absl::Status ChildProcess::Signal(int signal) {
  std::lock_guard lock(mutex_);
  if (exit_status_ || syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "cannot signal {} (pid {}): it has ended", name_, pid_);
  }
  return absl::OkStatus();
}

absl::Status ChildProcess::KillTree(const Deadline& deadline) {
  ExpectExit();
  if (pid_ <= 0) return absl::OkStatus();
  if (running()) {
    kill(-pid_, SIGKILL);
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }
  absl::Status family = KillTagged(tag_, deadline);
  // Not a Wait on the recording: an interruption must not keep us from reaping.
  std::unique_lock lock(mutex_);
  if (!ended_.wait_until(lock, deadline.time_point(), [&] { return exit_status_.has_value(); })) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "{} (pid {}) survives SIGKILL", name_,
                     pid_);
  }
  return family;
}

ChildProcess::~ChildProcess() {
  KillTree(Deadline::AfterUnscaled(kKillTime)).IgnoreError();
  for (IoThread::WatchId watch : {stdout_.watch, stderr_.watch, exit_watch_}) {
    if (watch != 0) IoThread::Instance().Unwatch(watch);
  }
}

}  // namespace tandem
