// SPDX-License-Identifier: Apache-2.0
#include "lib/process/traced_thread.h"

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <vector>

#include "lib/base/status.h"
#include "lib/process/process_tree.h"

namespace tandem {

#if defined(__x86_64__)

namespace {

constexpr int kControl = 7;                  // the debug register that switches the others on
constexpr uint64_t kResumeFlag = 0x10000;    // of eflags: executes an instruction despite its trap
constexpr timespec kBetweenLooks{0, 50000};  // a tracee's stop makes no descriptor readable

// The control register that has the first address register trap.
uint64_t ControlFor(TracedThread::Happens what) {
  constexpr uint64_t kOn = 1, kEightBytes = 2, kOnWrite = 1, kOnReadOrWrite = 3;
  if (what == TracedThread::Happens::kExecuted) return kOn;
  uint64_t when = what == TracedThread::Happens::kWritten ? kOnWrite : kOnReadOrWrite;
  return kOn | (when | kEightBytes << 2) << 16;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TracedThread>> TracedThread::Stop(pid_t pid,
                                                                 const std::string& name) {
  std::vector<pid_t> threads = ThreadsNamed(pid, name);
  if (threads.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "process {} has no thread {}…", pid, name);
  }
  pid_t thread = threads.front();
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
    return ErrnoError(errno, fmt::format("tracing thread {}", thread));
  }
  std::unique_ptr<TracedThread> traced(new TracedThread(thread));
  int status = 0;
  if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0 ||
      waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) {
    return ErrnoError(errno, fmt::format("stopping thread {}", thread));
  }
  traced->stands_ = true;
  return traced;
}

TracedThread::~TracedThread() {
  if (!stands_) {  // only a thread that stands can be let go
    int status = 0;
    ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr);
    if (waitpid(thread_, &status, __WALL) != thread_ || !WIFSTOPPED(status)) return;
  }
  SetDebugRegister(kControl, 0).IgnoreError();
  ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
}

absl::StatusOr<ThreadPosition> TracedThread::RunUntil(Happens what, uint64_t address,
                                                      const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(SetDebugRegister(kControl, 0));
  TANDEM_RETURN_IF_ERROR(SetDebugRegister(0, address));
  TANDEM_RETURN_IF_ERROR(SetDebugRegister(kControl, ControlFor(what)));
  user_regs_struct registers{};
  if (ptrace(PTRACE_GETREGS, thread_, nullptr, &registers) != 0) {
    return ErrnoError(errno, fmt::format("registers of thread {}", thread_));
  }
  registers.eflags |= kResumeFlag;
  ptrace(PTRACE_SETREGS, thread_, nullptr, &registers);
  TANDEM_RETURN_IF_ERROR(AwaitTrap(deadline));
  TANDEM_RETURN_IF_ERROR(SetDebugRegister(kControl, 0));
  ptrace(PTRACE_GETREGS, thread_, nullptr, &registers);
  return ThreadPosition{.instruction = registers.rip,
                        .stack = registers.rsp,
                        .first_argument = registers.rdi,
                        .third_argument = registers.rdx,
                        .result = registers.rax};
}

absl::StatusOr<std::unique_ptr<TracedThread>> TracedThread::RunUntilItMakesThread(
    const Deadline& deadline) {
  if (ptrace(PTRACE_SETOPTIONS, thread_, nullptr, PTRACE_O_TRACECLONE) != 0) {
    return ErrnoError(errno, fmt::format("options of thread {}", thread_));
  }
  TANDEM_RETURN_IF_ERROR(AwaitTrap(deadline, PTRACE_EVENT_CLONE));
  unsigned long made = 0;
  ptrace(PTRACE_GETEVENTMSG, thread_, nullptr, &made);
  ptrace(PTRACE_SETOPTIONS, thread_, nullptr, 0);
  std::unique_ptr<TracedThread> thread(new TracedThread(static_cast<pid_t>(made)));
  int status = 0;
  if (waitpid(thread->thread_, &status, __WALL) != thread->thread_ || !WIFSTOPPED(status)) {
    return MakeError(absl::StatusCode::kUnavailable, "new thread {} has ended", made);
  }
  thread->stands_ = true;
  return thread;
}

absl::Status TracedThread::AwaitTrap(const Deadline& deadline, int event) {
  for (int signal = 0;;) {
    ptrace(PTRACE_CONT, thread_, nullptr, signal);
    stands_ = false;
    int status = 0;
    pid_t changed = 0;
    while ((changed = waitpid(thread_, &status, __WALL | WNOHANG)) == 0) {
      if (deadline.expired()) {
        return MakeError(absl::StatusCode::kDeadlineExceeded,
                         "thread {} did not get to the awaited place within {}", thread_,
                         absl::FormatDuration(deadline.elapsed()));
      }
      nanosleep(&kBetweenLooks, nullptr);
    }
    if (changed != thread_ || !WIFSTOPPED(status)) {
      return MakeError(absl::StatusCode::kUnavailable, "thread {} has ended", thread_);
    }
    stands_ = true;
    int seen = status >> 16;
    if (seen == event && WSTOPSIG(status) == SIGTRAP) return absl::OkStatus();
    signal = seen != 0 ? 0 : WSTOPSIG(status);
  }
}

absl::Status TracedThread::SetDebugRegister(int number, uint64_t value) const {
  size_t offset = offsetof(user, u_debugreg) + sizeof(user::u_debugreg[0]) * number;
  if (ptrace(PTRACE_POKEUSER, thread_, offset, value) == 0) return absl::OkStatus();
  return ErrnoError(errno, fmt::format("debug register {} of thread {}", number, thread_));
}

absl::StatusOr<uint64_t> TracedThread::ReadWord(uint64_t address) const {
  errno = 0;
  auto word = static_cast<uint64_t>(ptrace(PTRACE_PEEKDATA, thread_, address, nullptr));
  if (errno != 0) return ErrnoError(errno, fmt::format("reading at {:#x}", address));
  return word;
}

#else  // another processor

absl::StatusOr<std::unique_ptr<TracedThread>> TracedThread::Stop(pid_t pid,
                                                                 const std::string& name) {
  return MakeError(absl::StatusCode::kUnimplemented, "cannot trace thread {} of {} on this host",
                   name, pid);
}
TracedThread::~TracedThread() = default;
absl::StatusOr<ThreadPosition> TracedThread::RunUntil(Happens, uint64_t, const Deadline&) {
  return absl::UnimplementedError("x86_64 only");
}
absl::StatusOr<std::unique_ptr<TracedThread>> TracedThread::RunUntilItMakesThread(const Deadline&) {
  return absl::UnimplementedError("x86_64 only");
}
absl::StatusOr<uint64_t> TracedThread::ReadWord(uint64_t) const {
  return absl::UnimplementedError("x86_64 only");
}

#endif

}  // namespace tandem
