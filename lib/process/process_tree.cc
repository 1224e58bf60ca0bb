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
#include <csignal>
#include <filesystem>
#include <optional>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

// nullopt when the process is gone or belongs to somebody else. Not by std::ifstream, which throws
// when the process goes between open and read.
std::optional<std::string> ReadProcFile(pid_t pid, const char* name) {
  UniqueFd file(open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = TEMP_FAILURE_RETRY(read(file.get(), buffer, sizeof buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(size));
  }
  if (size < 0) return std::nullopt;
  return text;
}

// Fields of /proc/PID/stat after the command name, which may itself hold spaces and parentheses.
std::vector<std::string> StatFields(pid_t pid) {
  std::string stat = ReadProcFile(pid, "stat").value_or("");
  size_t end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return {};
  std::vector<std::string> fields;
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

constexpr size_t kStateField = 0;                                 // field 3 of proc(5)
constexpr size_t kFlagsField = 6;                                 // field 9
constexpr size_t kStartTimeField = 19;                            // field 22
constexpr size_t kStartCodeField = 23;                            // field 26
constexpr size_t kEnvStartField = 47;                             // field 50
constexpr size_t kEnvEndField = 48;                               // field 51
constexpr unsigned long kExitingOrKernelThread = 0x4 | 0x200000;  // PF_EXITING, PF_KTHREAD
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

// The environment that the process was started with; empty when it is gone or somebody else's.
std::string EnvironmentOf(pid_t pid) {
  Deadline give_up = Deadline::AfterUnscaled(kLongestExec);
  for (;;) {
    std::optional<std::string> environment = ReadProcFile(pid, "environ");
    if (!environment) return {};
    if (IsWhole(*environment, pid) || give_up.expired()) return *environment;
    sched_yield();  // the new environment is there within microseconds
  }
}

bool HasTag(pid_t pid, std::string_view tag_prefix) {
  std::string wanted = fmt::format("{}={}", kProcessTagVariable, tag_prefix);
  std::string environment = EnvironmentOf(pid);
  if (environment.starts_with(wanted)) return true;
  return environment.find('\0' + wanted) != std::string::npos;
}

// Blocks until the process has ended; an event, not a poll of its state.
void AwaitEnd(int pidfd, const Deadline& deadline) {
  pollfd poll_entry{.fd = pidfd, .events = POLLIN, .revents = 0};
  poll(&poll_entry, 1, static_cast<int>(absl::ToInt64Milliseconds(deadline.remaining())) + 1);
}

}  // namespace

std::string OwnerTagPrefix() {
  std::vector<std::string> fields = StatFields(getpid());
  return fmt::format("{}-{}-", getpid(),
                     fields.size() > kStartTimeField ? fields[kStartTimeField] : "0");
}

std::vector<pid_t> FindTagged(std::string_view tag_prefix) {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry("/proc", ignored), end; entry != end;
       entry.increment(ignored)) {
    std::string name = entry->path().filename();
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); })) {
      continue;
    }
    auto pid = static_cast<pid_t>(std::stol(name));
    if (pid != getpid() && HasTag(pid, tag_prefix) && IsLiving(StatFields(pid)))
      found.push_back(pid);
  }
  return found;
}

absl::Status KillTagged(std::string_view tag_prefix, const Deadline& deadline) {
  for (;;) {
    std::vector<pid_t> pids = FindTagged(tag_prefix);
    if (pids.empty()) return absl::OkStatus();
    if (deadline.expired()) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "processes {} survive SIGKILL for {}",
                       fmt::join(pids, ", "),
                       FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed())));
    }
    std::vector<UniqueFd> killed;
    for (pid_t pid : pids) {
      UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
      if (!pidfd.valid() || !HasTag(pid, tag_prefix)) continue;  // gone, or the pid was used again
      syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
      killed.push_back(std::move(pidfd));
    }
    for (const UniqueFd& pidfd : killed) AwaitEnd(pidfd.get(), deadline);
  }
}

}  // namespace tandem
