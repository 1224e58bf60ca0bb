// SPDX-License-Identifier: Apache-2.0
#include "lib/process/process_tree.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

// NotFound when there is no such process (any more) that we may see. Not by std::ifstream, which
// throws when the process goes between open and read.
absl::StatusOr<std::string> ReadProcFile(pid_t pid, const char* name) {
  std::string path = fmt::format("/proc/{}/{}", pid, name);
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoError(errno, "cannot read " + path);
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = TEMP_FAILURE_RETRY(read(file.get(), buffer, sizeof buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(size));
  }
  if (size < 0) return ErrnoError(errno, "cannot read " + path);
  return text;
}

// Fields of /proc/PID/stat after the command name, which may itself hold spaces and parentheses.
absl::StatusOr<std::vector<std::string>> ReadStatFields(pid_t pid) {
  TANDEM_ASSIGN_OR_RETURN(std::string stat, ReadProcFile(pid, "stat"));
  std::vector<std::string> fields;
  size_t end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return fields;
  std::string field;
  for (char c : stat.substr(end_of_name + 1)) {
    if (!std::isspace(static_cast<unsigned char>(c))) {
      field += c;
    } else if (!field.empty()) {
      fields.push_back(std::exchange(field, {}));
    }
  }
  return fields;
}

// None when it cannot be read.
std::vector<std::string> StatFields(pid_t pid) {
  return ReadStatFields(pid).value_or(std::vector<std::string>());
}

constexpr size_t kStateField = 0;                                 // field 3 of proc(5)
constexpr size_t kFlagsField = 6;                                 // field 9
constexpr size_t kStartTimeField = 19;                            // field 22
constexpr size_t kStartCodeField = 23;                            // field 26
constexpr size_t kEnvStartField = 47;                             // field 50
constexpr size_t kEnvEndField = 48;                               // field 51
constexpr unsigned long kExitingOrKernelThread = 0x4 | 0x200000;  // PF_EXITING, PF_KTHREAD
constexpr char kUnknownStartTime[] = "0";
constexpr char kGuardianComm[] = "tandem-guardian\n";
constexpr absl::Duration kLongestExec = absl::Seconds(1);

bool IsLiving(const std::vector<std::string>& fields) {
  return fields.size() > kStateField && fields[kStateField] != "Z" && fields[kStateField] != "X";
}

// Whether that is all there is to read. A process inside execve(2), between its old and its new
// environment, shows none; one that entered it while we read, a part of the old one.
bool IsWhole(const std::string& environment, pid_t pid) {
  std::vector<std::string> fields = StatFields(pid);
  if (!IsLiving(fields) || fields.size() <= kEnvEndField) return true;
  if ((std::stoul(fields[kFlagsField]) & kExitingOrKernelThread) != 0) return true;
  bool exec_is_done = fields[kStartCodeField] != "0";  // execve sets it after the environment
  return exec_is_done && environment.size() ==
                             std::stoul(fields[kEnvEndField]) - std::stoul(fields[kEnvStartField]);
}

// The environment that the process was started with; empty when it is gone or somebody else's, an
// error when the system lacks what it takes to know.
absl::StatusOr<std::string> EnvironmentOf(pid_t pid) {
  Deadline give_up = Deadline::AfterUnscaled(kLongestExec);
  for (;;) {
    absl::StatusOr<std::string> environment = ReadProcFile(pid, "environ");
    if (absl::IsResourceExhausted(environment.status())) return environment.status();
    if (!environment.ok()) return "";
    if (IsWhole(*environment, pid) || give_up.expired()) return environment;
    sched_yield();  // the new environment is there within microseconds
  }
}

// "" when it has none.
absl::StatusOr<std::string> TagOf(pid_t pid) {
  TANDEM_ASSIGN_OR_RETURN(std::string environment, EnvironmentOf(pid));
  std::string before = fmt::format("{}{}=", '\0', kProcessTagVariable);
  environment.insert(0, 1, '\0');
  size_t at = environment.find(before);
  if (at == std::string::npos) return "";
  at += before.size();
  return environment.substr(at, environment.find('\0', at) - at);
}

// What the innermost owner added to its own tag: "<pid>-<start time>-<number>.".
std::string LastPart(const std::string& whole_tag) {
  size_t dot =
      whole_tag.size() < 2 ? std::string::npos : whole_tag.rfind('.', whole_tag.size() - 2);
  return dot == std::string::npos ? whole_tag : whole_tag.substr(dot + 1);
}

// Whether it lives, and lived when the tag was given. True when that cannot be known: its processes
// are killed otherwise.
bool OwnerLives(const std::string& whole_tag) {
  const std::string tag = LastPart(whole_tag);
  pid_t pid = 0;
  auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), pid);
  if (error != std::errc() || *end != '-') return true;  // none of ours
  if (tag.starts_with(fmt::format("{}-{}-", pid, kUnknownStartTime))) return true;
  absl::StatusOr<std::vector<std::string>> fields = ReadStatFields(pid);
  // A /proc mounted with hidepid hides processes, which kill(2) finds.
  if (absl::IsNotFound(fields.status())) return kill(pid, 0) == 0 || errno != ESRCH;
  if (!fields.ok() || fields->size() <= kStartTimeField) return true;
  return IsLiving(*fields) &&
         tag.starts_with(fmt::format("{}-{}-", pid, (*fields)[kStartTimeField]));
}

bool IsInOurPidNamespace(pid_t pid) {
  std::error_code error;
  std::filesystem::path theirs =
      std::filesystem::read_symlink(fmt::format("/proc/{}/ns/pid", pid), error);
  if (error) return false;
  return theirs == std::filesystem::read_symlink("/proc/self/ns/pid", error) && !error;
}

// It kills and removes what its own owner left, and ends.
bool IsGuardian(pid_t pid) { return ReadProcFile(pid, "comm").value_or("") == kGuardianComm; }

using TagPredicate = std::function<bool(pid_t, const std::string& tag)>;

// Living processes with a tag that is wanted.
absl::StatusOr<std::vector<pid_t>> FindByTag(const TagPredicate& wanted) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<pid_t> pids, AllPids());
  std::vector<pid_t> found;
  for (pid_t pid : pids) {
    if (pid == getpid()) continue;
    TANDEM_ASSIGN_OR_RETURN(std::string tag, TagOf(pid));
    if (tag.empty() || !wanted(pid, tag) || IsGuardian(pid)) continue;
    absl::StatusOr<std::vector<std::string>> fields = ReadStatFields(pid);
    if (absl::IsResourceExhausted(fields.status())) return fields.status();
    if (fields.ok() && IsLiving(*fields)) found.push_back(pid);
  }
  return found;
}

absl::Status KillByTag(const TagPredicate& wanted, const Deadline& deadline) {
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<pid_t> pids, FindByTag(wanted));
    if (pids.empty()) return absl::OkStatus();
    if (deadline.expired()) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "processes {} survive SIGKILL for {}",
                       fmt::join(pids, ", "),
                       FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed())));
    }
    std::vector<UniqueFd> killed;
    for (pid_t pid : pids) {
      UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
      if (!pidfd.valid()) continue;  // gone, or no descriptor is left: those killed first free some
      TANDEM_ASSIGN_OR_RETURN(std::string tag, TagOf(pid));
      if (tag.empty() || !wanted(pid, tag)) continue;  // the pid was used again
      syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
      killed.push_back(std::move(pidfd));
    }
    for (const UniqueFd& pidfd : killed) AwaitEnd(pidfd.get(), deadline);
  }
}

TagPredicate HasPrefix(std::string_view prefix) {
  return [prefix = std::string(prefix)](pid_t, const std::string& tag) {
    return tag.starts_with(prefix);
  };
}

}  // namespace

absl::StatusOr<std::vector<pid_t>> AllPids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename();
    pid_t pid = 0;
    auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc() && *parsed.ptr == '\0') pids.push_back(pid);
  }
  if (error) return ErrnoError(error.value(), "cannot look for processes in /proc");
  if (std::find(pids.begin(), pids.end(), getpid()) != pids.end()) return pids;
  return absl::NotFoundError(
      "/proc does not show the processes, so nothing could be cleaned up: see that it is mounted "
      "(mount -t proc proc /proc)");
}

std::vector<pid_t> ThreadsNamed(pid_t pid, const std::string& prefix) {
  std::vector<pid_t> threads;
  std::error_code error;
  std::filesystem::directory_iterator tasks(fmt::format("/proc/{}/task", pid), error);
  for (; !error && tasks != std::filesystem::directory_iterator(); tasks.increment(error)) {
    std::string number = tasks->path().filename();
    std::string comm = "task/" + number + "/comm";
    if (!ReadProcFile(pid, comm.c_str()).value_or("").starts_with(prefix)) continue;
    std::from_chars(number.data(), number.data() + number.size(), threads.emplace_back());
  }
  std::sort(threads.begin(), threads.end());
  return threads;
}

void AwaitEnd(int pidfd, const Deadline& deadline) {
  pollfd poll_entry{.fd = pidfd, .events = POLLIN, .revents = 0};
  poll(&poll_entry, 1, static_cast<int>(absl::ToInt64Milliseconds(deadline.remaining())) + 1);
}

std::string OwnerTagPrefix() {
  std::vector<std::string> fields = StatFields(getpid());
  const char* value = getenv(kProcessTagVariable.data());
  std::string own = value == nullptr ? "" : value;
  if (!own.ends_with('.')) own.clear();  // not one of ours
  return fmt::format("{}{}-{}-", own, getpid(),
                     fields.size() > kStartTimeField ? fields[kStartTimeField] : kUnknownStartTime);
}

absl::StatusOr<std::vector<pid_t>> FindTagged(std::string_view tag_prefix) {
  return FindByTag(HasPrefix(tag_prefix));
}

absl::Status KillTagged(std::string_view tag_prefix, const Deadline& deadline) {
  return KillByTag(HasPrefix(tag_prefix), deadline);
}

absl::Status KillOrphans(const Deadline& deadline) {
  return KillByTag(
      [](pid_t pid, const std::string& tag) {
        return !OwnerLives(tag) && IsInOurPidNamespace(pid);
      },
      deadline);
}

}  // namespace tandem
