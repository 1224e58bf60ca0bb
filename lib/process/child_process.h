// SPDX-License-Identifier: Apache-2.0
// One child process: spawned, heard, and ended with all its descendants.
//
// The child runs in its own process group, dies with the thread that spawned it (PR_SET_PDEATHSIG:
// spawn from the main thread), and carries a tag by which its whole family is found. Its output
// goes line by line with times into the Recording, which limits it. Its end is noticed by the I/O
// thread through a pidfd; an end that nobody expected interrupts every wait on the Recording.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/base/recording.h"
#include "lib/base/unique_fd.h"
#include "lib/process/exit_status.h"
#include "lib/process/io_thread.h"
#include "lib/process/line_splitter.h"

namespace tandem {

// What to start, and how. A value.
struct SpawnOptions {
  std::string name = {};               // how messages and the recording call it; required
  std::vector<std::string> argv = {};  // argv[0] is searched in PATH; required
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours; default none
  // Stay open under the same numbers, which must be above 2; default none. All others are closed.
  std::vector<int> inherited_fds;
  // Files to which standard output and error are appended, in place of the recording; default none.
  std::string stdout_file = {}, stderr_file = {};
  // ExpectExit from the start, for programs that run to their end; default no.
  bool ends_by_itself = false;
};

// Owns the process and everything it started; the destructor kills them. Thread-safe, except that
// Spawn and the destructor belong to one thread.
class ChildProcess {
 public:
  // `recording` must outlive the child. NotFound or the errno of exec when it cannot be started.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Spawn(const SpawnOptions& options,
                                                             Recording& recording);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }
  const std::vector<std::string>& argv() const { return argv_; }
  bool running() const { return !exit_status().has_value(); }
  // nullopt while it runs.
  std::optional<ExitStatus> exit_status() const;
  // The last line that is not empty, cut after 1000 bytes; empty when there was none, or when they
  // went to a file.
  std::string last_stderr_line() const;

  // Unavailable, with name, pid, how it died and its last line on stderr. After its end.
  absl::Status DeathError() const;

  // From now on its end is no surprise: waits on other things go on when it dies. Comes too late
  // for a program that may end at once: see SpawnOptions::ends_by_itself.
  void ExpectExit();
  // Whether its end, if it comes, is no surprise.
  bool exit_expected() const;
  // Blocks until it has ended and what it wrote was read. Implies ExpectExit. Errors: those of
  // Recording::Wait.
  absl::StatusOr<ExitStatus> WaitForExit(const Deadline& deadline);
  // It and all that it started, of those that live; some of them may outlive it.
  absl::StatusOr<std::vector<pid_t>> FindTree() const;
  // Sends a signal to the child alone. FailedPrecondition when it has ended.
  absl::Status Signal(int signal);
  // SIGKILLs the child, its group and every process it started, and returns when none is left;
  // DeadlineExceeded names those that remain. Implies ExpectExit.
  absl::Status KillTree(const Deadline& deadline);

 private:
  static constexpr size_t kLongestLine = 1 << 20;  // a longer one is recorded in pieces

  struct Output {
    UniqueFd fd;
    EntryKind kind;
    LineSplitter splitter{kLongestLine};
    IoThread::WatchId watch = 0;
  };

  ChildProcess(const SpawnOptions& options, std::string tag, Recording& recording);
  absl::Status Start(const SpawnOptions& options);
  absl::Status StartWatching();
  void Reap();  // SIGKILLs a child that the I/O thread does not watch
  // Reads once and returns what read(2) did; the rest waits for the I/O thread's next turn.
  ssize_t ReadOutput(Output& output);
  // Reads what the child left in the pipe, which a grandchild may hold open and go on filling.
  void ReadLastOutput(Output& output);
  void Record(const Output& output, const std::vector<std::string>& lines);
  bool OnExit();
  absl::Status DescribeDeath() const;  // with mutex_ held

  const std::string name_;
  const std::string tag_;
  const std::vector<std::string> argv_;
  Recording& recording_;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  IoThread::WatchId exit_watch_ = 0;
  Output stdout_, stderr_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<ExitStatus> exit_status_;
  std::string last_stderr_line_;
  bool exit_expected_ = false;
};

}  // namespace tandem
