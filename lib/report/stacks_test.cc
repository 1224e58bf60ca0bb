// SPDX-License-Identifier: Apache-2.0
#include "lib/report/stacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "lib/process/child_process.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// A process that prints a line every 10 ms while it runs.
class StacksTest : public ::testing::Test {
 protected:
  StacksTest()
      : ticker_(ChildProcess::Spawn(
                    {.name = "ticker",
                     .argv = {"bash", "-c", "while true; do echo tick; sleep 0.01; done"}},
                    recording_)
                    .value()) {
    AwaitTick();
  }
  ~StacksTest() override { setenv("PATH", path_.c_str(), 1); }

  void AwaitTick() {
    uint64_t cursor = recording_.last_sequence();
    EXPECT_TRUE(
        recording_
            .Wait(deadline_, "a tick", [&] { return !recording_.EntriesAfter(cursor).empty(); })
            .ok());
  }

  void Freeze() {
    ASSERT_TRUE(ticker_->Signal(SIGSTOP).ok());
    AwaitState('T');
    // What it had printed before has been read when a line of another process has: one I/O thread.
    ChildProcess::Spawn({.name = "echo", .argv = {"echo", "read"}}, recording_)
        .value()
        ->WaitForExit(deadline_)
        .IgnoreError();
    frozen_at_ = Ticks();
  }

  void AwaitState(char state) {
    while (State() != state && !deadline_.expired()) std::this_thread::yield();
    EXPECT_EQ(State(), state);
  }

  // Gives a process that runs again time to show it.
  void ExpectNeverRan() {
    EXPECT_EQ(State(), 'T');
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(Ticks(), frozen_at_);
  }

  char State() const {
    std::string status = ReadTextFile("/proc/" + std::to_string(ticker_->pid()) + "/status");
    for (const std::string& line : SplitLines(status)) {
      if (line.starts_with("State:\t")) return line[7];
    }
    return '?';
  }

  size_t Ticks() const {
    size_t count = 0;
    for (const RecordingEntry& entry : recording_.EntriesAfter(0)) count += entry.text == "tick";
    return count;
  }

  // Puts a program of this text in place of gdb.
  void FakeGdb(const std::string& script) {
    ASSERT_TRUE(WriteTextFile(scratch_->File("gdb"), "#!/bin/sh\n" + script).ok());
    fs::permissions(scratch_->File("gdb"), fs::perms::owner_all);
    setenv("PATH", (scratch_->path() + ":" + path_).c_str(), 1);
  }

  const Deadline deadline_ = Deadline::After(absl::Seconds(30));
  const std::string path_ = std::getenv("PATH");
  std::unique_ptr<ScratchDirectory> scratch_ = ScratchDirectory::Create().value();
  Recording recording_;
  std::unique_ptr<ChildProcess> ticker_;
  size_t frozen_at_ = 0;
};

// gdb's stack, or where gdb is missing or forbidden, the wait channel; the process runs on.
TEST_F(StacksTest, ShowsWhereARunningProcessIs) {
  EXPECT_THAT(CollectStacks(ticker_->pid(), deadline_),
              AnyOf(AllOf(HasSubstr("by gdb"), HasSubstr("\n#0 ")),
                    AllOf(HasSubstr("from /proc, because of gdb"), HasSubstr("wchan: "))));
  AwaitTick();
}

// A machine that the test froze does not come to life for an instant because its stacks are taken.
TEST_F(StacksTest, StoppedProcessStaysStopped) {
  Freeze();
  EXPECT_THAT(CollectStacks(ticker_->pid(), deadline_), HasSubstr("(T (stopped))"));
  ExpectNeverRan();
}

// Whatever a gdb does when it detaches, a stopped process is stopped afterwards.
TEST_F(StacksTest, StoppedProcessIsStoppedAgain) {
  FakeGdb("echo; echo '#0  main ()'; kill -CONT $2");
  Freeze();
  EXPECT_THAT(CollectStacks(ticker_->pid(), deadline_), HasSubstr("by gdb"));
  AwaitState('T');
}

// A gdb that hangs is given up at the deadline; /proc answers, and says why it does.
TEST_F(StacksTest, FallsBackToProcWhenGdbHangs) {
  FakeGdb("sleep 100");
  Freeze();
  EXPECT_THAT(CollectStacks(ticker_->pid(), Deadline::AfterUnscaled(absl::Milliseconds(100))),
              AllOf(HasSubstr("from /proc, because of gdb: it did not answer within 1"),
                    HasSubstr("\"bash\": T (stopped)"), HasSubstr("syscall: ")));
  ExpectNeverRan();
}

// A gdb that dies and leaves the process stopped, as when it is killed while it attaches.
TEST_F(StacksTest, RunningProcessRunsOnAfterGdbFailed) {
  FakeGdb("kill -STOP $2; echo 'ptrace: Operation not permitted.'");
  EXPECT_THAT(CollectStacks(ticker_->pid(), deadline_),
              HasSubstr("because of gdb: gdb shows no stack and says: ptrace: Operation"));
  AwaitTick();
}

// Without gdb the reason says so.
TEST_F(StacksTest, FallsBackToProcWithoutGdb) {
  setenv("PATH", scratch_->path().c_str(), 1);
  EXPECT_THAT(CollectStacks(ticker_->pid(), deadline_), HasSubstr("because of gdb: cannot start"));
}

// A process that is gone is called gone.
TEST_F(StacksTest, SaysThatAProcessIsGone) {
  pid_t pid = ticker_->pid();
  ASSERT_TRUE(ticker_->KillTree(deadline_).ok());
  EXPECT_THAT(CollectStacks(pid, deadline_), HasSubstr("no process"));
}

}  // namespace
}  // namespace tandem
