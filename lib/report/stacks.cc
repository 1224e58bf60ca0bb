// SPDX-License-Identifier: Apache-2.0
#include "lib/report/stacks.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "absl/status/statusor.h"
#include "lib/base/recording.h"
#include "lib/base/status.h"
#include "lib/base/unique_fd.h"
#include "lib/process/child_process.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ProcLines(const fs::path& path) {
  return SplitLines(ReadTextFile(path.string()));
}

// "S (sleeping)", "T (stopped)", …; "" when there is no such process or thread.
std::string StateOf(const fs::path& proc_folder) {
  constexpr std::string_view kLabel = "State:\t";
  for (const std::string& line : ProcLines(proc_folder / "status")) {
    if (line.starts_with(kLabel)) return line.substr(kLabel.size());
  }
  return "";
}

std::string DescribeThread(const fs::path& task) {
  std::string text = fmt::format("Thread {} \"{}\": {}\n", task.filename().string(),
                                 fmt::join(ProcLines(task / "comm"), " "), StateOf(task));
  for (const char* name : {"wchan", "syscall", "stack"}) {
    for (const std::string& line : ProcLines(task / name)) {
      text += fmt::format("  {}: {}\n", name, line);
    }
  }
  return text;
}

std::string StacksFromProc(const fs::path& process) {
  std::string text;
  std::error_code error;
  for (fs::directory_iterator task(process / "task", error), end; !error && task != end;
       task.increment(error)) {
    text += DescribeThread(task->path());
  }
  return text;
}

SpawnOptions GdbCommand(pid_t pid) {
  SpawnOptions options{.name = "gdb"};
  options.argv = {"gdb",
                  "-p",
                  std::to_string(pid),
                  "-batch",
                  "-nx",
                  "-iex",
                  "set auto-load no",
                  "-ex",
                  "set pagination off",
                  "-ex",
                  "thread apply all backtrace"};
  options.environment = {{"DEBUGINFOD_URLS", ""}};  // it would fetch symbols from the network
  return options;
}

std::string OutputOf(const Recording& recording) {
  std::string output;
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) {
    if (entry.kind == EntryKind::kStdout || entry.kind == EntryKind::kStderr) {
      output += entry.text + "\n";
    }
  }
  return output;
}

// What gdb printed, or why it printed no stack. In a recording of its own, so that neither gdb's
// output nor its end is taken for something that happened in the test.
absl::StatusOr<std::string> StacksFromGdb(pid_t pid, const Deadline& deadline) {
  Recording recording;
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ChildProcess> gdb,
                          ChildProcess::Spawn(GdbCommand(pid), recording));
  if (!gdb->WaitForExit(deadline).ok()) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "it did not answer within {}",
                     FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed())));
  }
  std::string output = OutputOf(recording);
  if (output.find("\n#0 ") != std::string::npos) return output;
  return MakeError(absl::StatusCode::kUnavailable, "gdb shows no stack and says: {}", output);
}

// gdb 13 leaves a process as it was when it detaches; one that was killed, or failed to attach, may
// leave it running or stopped.
void RestoreState(int pidfd, bool was_stopped, bool gdb_succeeded) {
  if (!was_stopped && gdb_succeeded) return;
  syscall(SYS_pidfd_send_signal, pidfd, was_stopped ? SIGSTOP : SIGCONT, nullptr, 0);
}

}  // namespace

std::string CollectStacks(pid_t pid, const Deadline& deadline) {
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  fs::path process = fmt::format("/proc/{}", pid);
  std::string state = StateOf(process);
  if (state.empty()) return fmt::format("There is no process {} any more: no stacks.\n", pid);
  if (state.starts_with("Z") || state.starts_with("X")) {
    return fmt::format("Process {} has ended ({}): no stacks.\n", pid, state);
  }
  absl::StatusOr<std::string> stacks = StacksFromGdb(pid, deadline);
  RestoreState(pidfd.get(), state.starts_with("T"), stacks.ok());
  if (stacks.ok()) {
    return fmt::format("Stacks of process {} ({}), by gdb:\n{}", pid, state, *stacks);
  }
  return fmt::format("Threads of process {} ({}), from /proc, because of gdb: {}\n{}", pid, state,
                     Message(stacks.status()), StacksFromProc(process));
}

}  // namespace tandem
