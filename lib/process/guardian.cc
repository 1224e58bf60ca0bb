// SPDX-License-Identifier: Apache-2.0
#include "lib/process/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/process/line_splitter.h"
#include "lib/process/process_tree.h"

namespace tandem {
namespace {

constexpr char kProtect = '+';
constexpr char kForget = '-';
constexpr absl::Duration kKillTime = absl::Seconds(10);
constexpr int kOrders = STDERR_FILENO + 1;  // the guardian's end of the pipe

void DetachFromEverything(int pipe) {
  setsid();
  prctl(PR_SET_NAME, "tandem-guardian");
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) std::signal(signal, SIG_IGN);
  // Closes before it opens: the limit may be a low one.
  dup2(pipe, kOrders);
  close_range(kOrders + 1, ~0U, 0);
  int null = open("/dev/null", O_RDWR);
  for (int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, standard);
  if (null > kOrders) close(null);
  (void)!chdir("/");  // a working directory would keep its file system busy
}

// Reads orders until the owner is gone; returns the directories still to be removed.
std::set<std::string> ReadOrders() {
  std::set<std::string> directories;
  LineSplitter splitter;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = read(kOrders, buffer, sizeof buffer)) > 0 || (size < 0 && errno == EINTR)) {
    if (size < 0) continue;
    splitter.Feed({buffer, static_cast<size_t>(size)}, [&](std::string_view line) {
      std::string path(line.substr(1));
      if (line[0] == kProtect) directories.insert(path);
      if (line[0] == kForget) directories.erase(path);
    });
  }
  return directories;
}

[[noreturn]] void RunGuardian(int pipe, const std::string& owner_tag) {
  DetachFromEverything(pipe);
  pid_t pid = getpid();
  (void)!write(kOrders, &pid, sizeof pid);  // tells the owner that it stands on its own feet
  std::set<std::string> directories = ReadOrders();
  KillTagged(owner_tag, Deadline::AfterUnscaled(kKillTime)).IgnoreError();
  std::error_code ignored;
  for (const std::string& directory : directories) {
    std::filesystem::remove_all(directory, ignored);
  }
  _exit(0);
}

// Of the owner's end: that the other one is closed.
bool IsReadable(int pipe) {
  pollfd entry{.fd = pipe, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

}  // namespace

Guardian& Guardian::Instance() {
  static auto* guardian = new Guardian();
  std::lock_guard lock(guardian->mutex_);
  guardian->StartIfDead();
  return *guardian;
}

void Guardian::StartIfDead() {
  if (owner_ != getpid())
    directories_.clear();  // a fork of the owner has no say in its directories
  if (owner_ == getpid() && pid_ > 0 && !IsReadable(pipe_.get())) return;
  Start();
}

void Guardian::Start() {
  // A fork of the first owner has no I/O thread: its guardian is replaced at the next use.
  if (first_owner_ < 0) first_owner_ = getpid();
  bool is_fork = first_owner_ != getpid();
  if (watch_ != 0 && !is_fork) IoThread::Instance().Unwatch(watch_);
  watch_ = 0;
  status_ = Fork();
  if (!status_.ok()) {
    pid_ = -1;
    pipe_.reset();
    return;
  }
  for (const std::string& directory : directories_) Send(kProtect, directory);
  if (is_fork) return;
  auto watch = IoThread::Instance().Watch(pipe_.get(), [this] { return OnDeath(); });
  if (watch.ok()) watch_ = *watch;
}

absl::Status Guardian::Fork() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoError(errno, "cannot make a socket for the guardian");
  }
  UniqueFd theirs(ends[1]);
  pipe_.reset(ends[0]);
  owner_ = getpid();
  std::string owner_tag = OwnerTagPrefix();
  // By a child that ends at once, so that the guardian is no descendant of ours: ctest's time limit
  // kills those first.
  pid_t between = fork();
  if (between == 0) {
    pid_t guardian = fork();
    if (guardian == 0) RunGuardian(theirs.get(), owner_tag);
    _exit(guardian < 0 ? errno : 0);
  }
  if (between < 0) return ErrnoError(errno, "cannot fork the guardian");
  theirs.reset();
  int status = 0;
  TEMP_FAILURE_RETRY(waitpid(between, &status, 0));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    return ErrnoError(WEXITSTATUS(status), "cannot fork the guardian");
  }
  if (TEMP_FAILURE_RETRY(read(pipe_.get(), &pid_, sizeof pid_)) == sizeof pid_) {
    return absl::OkStatus();
  }
  return absl::UnavailableError("the guardian died at its start");
}

// The guardian never writes but at its start: its end of the pipe is closed.
bool Guardian::OnDeath() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return true;  // asked again; who holds it may be waiting for this to return
  pid_t killed = pid_;
  Start();
  Log().warn("somebody killed the guardian (pid {}): {}", killed,
             status_.ok() ? fmt::format("pid {} takes its place", pid_) : Message(status_));
  return false;
}

absl::Status Guardian::status() {
  std::lock_guard lock(mutex_);
  return status_;
}

pid_t Guardian::pid() {
  std::lock_guard lock(mutex_);
  return pid_;
}

bool Guardian::Send(char order, const std::string& path) {
  std::string line = order + path + "\n";
  return send(pipe_.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(line.size());
}

void Guardian::SendOrReplace(char order, const std::string& path) {
  if (!Send(order, path)) Start();
}

absl::Status Guardian::ProtectDirectory(const std::string& path) {
  std::lock_guard lock(mutex_);
  directories_.insert(path);
  SendOrReplace(kProtect, path);
  return status_;
}

void Guardian::ForgetDirectory(const std::string& path) {
  std::lock_guard lock(mutex_);
  directories_.erase(path);
  SendOrReplace(kForget, path);
}

}  // namespace tandem
