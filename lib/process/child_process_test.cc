// SPDX-License-Identifier: Apache-2.0
#include "lib/process/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <future>

#include "lib/base/status.h"
#include "lib/process/process_tree.h"
#include "lib/process/scratch_directory.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Far beyond what the tests take; a wait that runs into it has failed.
Deadline LongTime() { return Deadline::After(absl::Seconds(60)); }

// Short enough that endless talk, recorded all the while, does not fill the memory.
Deadline SomeTime() { return Deadline::After(absl::Seconds(10)); }

size_t CountFds() {
  std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(fds), end(fds)));
}

bool HasZombie() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

bool HasEnded(const UniqueFd& pidfd) {
  pollfd entry{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

class ChildProcessTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<ChildProcess>> TrySpawn(const std::string& script) {
    return ChildProcess::Spawn({.name = "child", .argv = {"sh", "-c", script}}, recording_);
  }
  // Runs a shell script whose end would be a surprise.
  std::unique_ptr<ChildProcess> Spawn(const std::string& script) {
    return TrySpawn(script).value();
  }
  // Runs a shell script that ends by itself.
  std::unique_ptr<ChildProcess> Run(const std::string& script) {
    return ChildProcess::Spawn(
               {.name = "child", .argv = {"sh", "-c", script}, .ends_by_itself = true}, recording_)
        .value();
  }

  ExitStatus EndOf(ChildProcess& child) { return child.WaitForExit(LongTime()).value(); }

  std::vector<std::string> Lines(EntryKind kind) const {
    std::vector<std::string> lines;
    for (const RecordingEntry& entry : recording_.EntriesAfter(0)) {
      if (entry.kind == kind) lines.push_back(entry.text);
    }
    return lines;
  }
  size_t CountLines() const { return Lines(EntryKind::kStdout).size(); }

  absl::Status WaitForLine(const std::string& line) {
    return recording_.Wait(LongTime(), line, [&] {
      std::vector<std::string> lines = Lines(EntryKind::kStdout);
      return std::find(lines.begin(), lines.end(), line) != lines.end();
    });
  }
  // A pidfd of the process that prints its pid as the first line.
  UniqueFd PidfdFromFirstLine() {
    EXPECT_TRUE(recording_.Wait(LongTime(), "a pid", [&] { return CountLines() > 0; }).ok());
    pid_t pid = std::stoi(Lines(EntryKind::kStdout).at(0));
    return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  }

  Recording recording_;
};

// Both outputs arrive line by line, stamped and named, between the start and the end of the child.
TEST_F(ChildProcessTest, OutputIsRecordedByLines) {
  auto child = Run("echo one; echo two; echo oops >&2; printf three");
  EXPECT_TRUE(EndOf(*child).succeeded());
  EXPECT_THAT(Lines(EntryKind::kStdout), ElementsAre("one", "two", "three"));
  EXPECT_THAT(Lines(EntryKind::kStderr), ElementsAre("oops"));
  EXPECT_THAT(Lines(EntryKind::kProcess),
              ElementsAre(HasSubstr("started with pid"), "ended with exit code 0"));
  std::vector<RecordingEntry> entries = recording_.EntriesAfter(0);
  EXPECT_EQ(entries.front().kind, EntryKind::kProcess);
  EXPECT_EQ(entries.back().kind, EntryKind::kProcess);
  absl::Time previous = recording_.start_time();
  for (const RecordingEntry& entry : entries) {
    EXPECT_EQ(entry.origin, "child");
    EXPECT_GE(entry.time, previous);
    previous = entry.time;
  }
  EXPECT_LE(previous, absl::Now());
}

// An exit code and a deadly signal are told apart.
TEST_F(ChildProcessTest, TheEndIsAValue) {
  auto failing = Run("exit 3");
  EXPECT_TRUE(failing->WaitForExit(LongTime()).ok());
  EXPECT_EQ(failing->exit_status()->ToString(), "exit code 3");
  EXPECT_FALSE(failing->exit_status()->succeeded());
  auto killed = Run("kill -TERM $$");
  EXPECT_EQ(EndOf(*killed).ToString(), "signal 15 (SIGTERM)");
  EXPECT_FALSE(killed->running());
  EXPECT_EQ(killed->Signal(SIGTERM).code(), absl::StatusCode::kFailedPrecondition);
}

// A program that is missing or cannot be executed is named together with what errno says.
TEST_F(ChildProcessTest, FailureToExecuteNamesTheProgram) {
  auto missing = ChildProcess::Spawn({.name = "source", .argv = {"/no/such/qemu"}}, recording_);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(missing.status()),
              AllOf(HasSubstr("source"), HasSubstr("/no/such/qemu"), HasSubstr("No such file")));
  auto text = ChildProcess::Spawn({.name = "source", .argv = {"/etc/passwd"}}, recording_);
  EXPECT_EQ(text.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(text.status()), HasSubstr("/etc/passwd"));
  EXPECT_FALSE(HasZombie());
}

// The environment of the test is passed on, with additions and replacements.
TEST_F(ChildProcessTest, EnvironmentIsOursWithAdditions) {
  setenv("TANDEM_TEST_KEPT", "kept", 1);
  setenv("TANDEM_TEST_CHANGED", "old", 1);
  auto child = ChildProcess::Spawn(
      {.name = "child",
       .argv = {"sh", "-c", "echo $TANDEM_TEST_KEPT $TANDEM_TEST_CHANGED $TANDEM_TEST_NEW"},
       .environment = {{"TANDEM_TEST_CHANGED", "new"}, {"TANDEM_TEST_NEW", "a=b"}},
       .ends_by_itself = true},
      recording_);
  EXPECT_TRUE(EndOf(**child).succeeded());
  EXPECT_THAT(Lines(EntryKind::kStdout), ElementsAre("kept new a=b"));
}

// A descriptor that is passed keeps its number; all others, close-on-exec or not, stay behind.
TEST_F(ChildProcessTest, OnlyChosenDescriptorsAreInherited) {
  UniqueFd passed(memfd_create("tandem-passed", MFD_CLOEXEC));
  UniqueFd leaked(memfd_create("tandem-leaked", 0));
  auto child = ChildProcess::Spawn({.name = "child",
                                    .argv = {"ls", "-l", "/proc/self/fd"},
                                    .inherited_fds = {passed.get()},
                                    .ends_by_itself = true},
                                   recording_);
  EXPECT_TRUE(EndOf(**child).succeeded());
  std::string listing = fmt::format("{}", fmt::join(Lines(EntryKind::kStdout), "\n"));
  EXPECT_THAT(listing, AllOf(HasSubstr(fmt::format(" {} -> /memfd:tandem-passed", passed.get())),
                             HasSubstr(" 0 -> /dev/null"), Not(HasSubstr("tandem-leaked"))));
  EXPECT_EQ(listing.find("/dev/null"), listing.rfind("/dev/null"));
}

// A child that does not end in time is named with its pid.
TEST_F(ChildProcessTest, WaitForExitEndsAtItsDeadline) {
  auto child = Spawn("exec sleep 600");
  auto end = child->WaitForExit(Deadline::After(absl::Milliseconds(5)));
  EXPECT_EQ(end.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(end.status()), HasSubstr(fmt::format("child (pid {})", child->pid())));
  EXPECT_TRUE(child->running());
}

// A death that nobody expected ends a wait on something else at once, with the reason.
TEST_F(ChildProcessTest, UnexpectedDeathEndsEveryWait) {
  auto child = Spawn("echo 'Assertion failed' >&2; echo >&2; kill -TERM $$");
  absl::Status waited =
      recording_.Wait(Deadline::After(absl::Hours(1)), "the moon", [] { return false; });
  EXPECT_EQ(waited.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(waited),
              AllOf(HasSubstr("the moon"), HasSubstr(fmt::format("child (pid {})", child->pid())),
                    HasSubstr("signal 15 (SIGTERM)"), HasSubstr("stderr: Assertion failed")));
}

// A program that may end before anybody waits for it interrupts nobody when its start says so.
TEST_F(ChildProcessTest, AProgramThatEndsByItselfInterruptsNobody) {
  auto child = Run("exit 1");
  EXPECT_TRUE(recording_.Wait(LongTime(), "its end", [&] { return !child->running(); }).ok());
  child.reset();  // an interruption would have come by now
  EXPECT_TRUE(recording_.interruption().ok());
}

// A death that was announced interrupts nobody.
TEST_F(ChildProcessTest, ExpectedDeathInterruptsNobody) {
  auto child = Spawn("exec sleep 600");
  child->ExpectExit();
  EXPECT_TRUE(child->Signal(SIGKILL).ok());
  EXPECT_EQ(EndOf(*child).ToString(), "signal 9 (SIGKILL)");
  child.reset();  // an interruption would have come by now
  EXPECT_TRUE(recording_.interruption().ok());
}

// A grandchild with a session of its own, which holds the pipes open, dies with the child.
TEST_F(ChildProcessTest, KillTreeEndsADetachedGrandchild) {
  auto child = Spawn("(setsid sh -c 'echo $$; exec sleep 600' &); exec sleep 600");
  UniqueFd grandchild = PidfdFromFirstLine();
  EXPECT_FALSE(HasEnded(grandchild));
  EXPECT_TRUE(child->KillTree(LongTime()).ok());
  EXPECT_FALSE(child->running());
  EXPECT_TRUE(HasEnded(grandchild));
  EXPECT_TRUE(FindTagged(OwnerTagPrefix())->empty());
}

// What a child of Tandem's own spawned, and tagged as its own, belongs to the child's family too.
TEST_F(ChildProcessTest, KillTreeEndsTheFamiliesOfItsFamily) {
  // Start time 0 is "unknown": with another, a test beside this one would see an owner that is
  // dead, and end the grandchild as an orphan.
  auto child = Spawn(
      "tag=$TANDEM_PROCESS_TAG$$-0-1.; (TANDEM_PROCESS_TAG=$tag setsid sh -c 'echo $$; exec sleep "
      "600' &); echo alone >&2; exec sleep 600");
  ASSERT_TRUE(
      recording_
          .Wait(LongTime(), "the end of the shell between the two",
                [&] { return Lines(EntryKind::kStderr) == std::vector<std::string>{"alone"}; })
          .ok());
  UniqueFd grandchild = PidfdFromFirstLine();
  EXPECT_EQ(child->FindTree()->size(), 2u);
  EXPECT_TRUE(child->KillTree(LongTime()).ok());
  EXPECT_TRUE(HasEnded(grandchild));
  EXPECT_TRUE(child->FindTree()->empty());
}

// Output that goes to files is theirs, in full, and not the recording's.
TEST_F(ChildProcessTest, OutputGoesToFiles) {
  auto scratch = ScratchDirectory::Create().value();
  auto child = ChildProcess::Spawn({.name = "child",
                                    .argv = {"sh", "-c", "seq 300000; echo bad >&2"},
                                    .stdout_file = scratch->File("out"),
                                    .stderr_file = scratch->File("err"),
                                    .ends_by_itself = true},
                                   recording_)
                   .value();
  EXPECT_TRUE(EndOf(*child).succeeded());
  EXPECT_EQ(std::filesystem::file_size(scratch->File("out")), 1988895u);
  EXPECT_EQ(std::filesystem::file_size(scratch->File("err")), 4u);
  EXPECT_EQ(CountLines(), 0u);
}

// A file that cannot be written is an error before anything is started.
TEST_F(ChildProcessTest, OutputThatCannotBeWrittenIsAnError) {
  auto child = ChildProcess::Spawn(
      {.name = "child", .argv = {"true"}, .stdout_file = "/no/such/folder/out"}, recording_);
  EXPECT_THAT(Message(child.status()), HasSubstr("cannot write /no/such/folder/out"));
}

// A process shows no environment for an instant in execve(2): one that does nothing but exec is not
// overlooked.
TEST_F(ChildProcessTest, KillTreeFindsAGrandchildInTheMiddleOfExec) {
  constexpr char kScript[] =
      R"(S='exec sh -c "$S"'; export S; (setsid sh -c "echo go; $S" &); exec sleep 600)";
  for (size_t round = 0; round < 20; ++round) {
    auto child = Spawn(kScript);
    ASSERT_TRUE(recording_.Wait(LongTime(), "go", [&] { return CountLines() > round; }).ok());
    EXPECT_TRUE(child->KillTree(LongTime()).ok());
    ASSERT_TRUE(FindTagged(OwnerTagPrefix())->empty()) << "round " << round;
  }
}

// The end of a child is noticed while a grandchild keeps its pipes open and fills them.
TEST_F(ChildProcessTest, AChattyGrandchildDoesNotDelayTheEnd) {
  auto child =
      Spawn("printf bye >&2; for i in 1 2 3 4; do (setsid yes ha &); done; exec sleep 600");
  ASSERT_TRUE(recording_.Wait(SomeTime(), "talk", [&] { return CountLines() > 0; }).ok());
  child->ExpectExit();
  EXPECT_TRUE(child->Signal(SIGTERM).ok());
  EXPECT_TRUE(child->WaitForExit(SomeTime()).ok());
  EXPECT_EQ(child->last_stderr_line(), "bye");
}

// A child that never stops talking does not keep others from being heard.
TEST_F(ChildProcessTest, AChatterboxDoesNotSilenceOthers) {
  auto chatterbox = Spawn("yes ha & yes ha & yes ha & exec yes ha");
  ASSERT_TRUE(recording_.Wait(SomeTime(), "talk", [&] { return CountLines() > 0; }).ok());
  auto quiet = Run("echo hello");
  EXPECT_TRUE(quiet->WaitForExit(SomeTime()).ok());
  EXPECT_TRUE(WaitForLine("hello").ok());
  EXPECT_TRUE(chatterbox->running());
}

// A child that does not listen to SIGTERM is killed.
TEST_F(ChildProcessTest, IgnoringSigtermIsNoHelp) {
  auto child = Spawn("trap 'echo no' TERM; echo ready; while :; do sleep 600 & wait; done");
  ASSERT_TRUE(WaitForLine("ready").ok());
  EXPECT_TRUE(child->Signal(SIGTERM).ok());
  EXPECT_TRUE(WaitForLine("no").ok());
  EXPECT_TRUE(child->KillTree(LongTime()).ok());
  EXPECT_EQ(child->exit_status()->ToString(), "signal 9 (SIGKILL)");
}

// A line of eight megabytes is recorded whole, in pieces, but not quoted whole.
TEST_F(ChildProcessTest, AVeryLongLineArrivesInPieces) {
  auto child = Run("head -c 8000000 /dev/zero | tr '\\0' x | tee /dev/stderr");
  EXPECT_TRUE(EndOf(*child).succeeded());
  for (EntryKind kind : {EntryKind::kStdout, EntryKind::kStderr}) {
    EXPECT_EQ(Lines(kind).at(0).size(), size_t{1} << 20);
    EXPECT_TRUE(fmt::format("{}", fmt::join(Lines(kind), "")) == std::string(8'000'000, 'x'));
  }
  EXPECT_EQ(child->last_stderr_line().size(), 1000u);
}

// Fifty thousand lines arrive in order and complete.
TEST_F(ChildProcessTest, ManyLinesArriveInOrder) {
  auto child = Run("exec seq 50000");
  EXPECT_TRUE(EndOf(*child).succeeded());
  std::vector<std::string> lines = Lines(EntryKind::kStdout);
  ASSERT_EQ(lines.size(), 50'000u);
  for (size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], std::to_string(i + 1));
}

// Fifty children live at once, are all heard, and leave neither process nor descriptor behind.
TEST_F(ChildProcessTest, FiftyChildrenLeaveNothing) {
  Run("exit 0").reset();  // starts the guardian and the I/O thread, which stay
  size_t fds = CountFds();
  std::vector<std::unique_ptr<ChildProcess>> children;
  for (int i = 0; i < 50; ++i) children.push_back(Spawn("echo hello; exec sleep 600"));
  EXPECT_TRUE(recording_.Wait(LongTime(), "50 lines", [&] { return CountLines() == 50; }).ok());
  EXPECT_EQ(FindTagged(OwnerTagPrefix())->size(), 50u);
  children.clear();
  EXPECT_EQ(CountFds(), fds);
  EXPECT_FALSE(HasZombie());
  EXPECT_TRUE(FindTagged(OwnerTagPrefix())->empty());
  EXPECT_TRUE(recording_.interruption().ok());
}

// Where descriptors run out, the start fails with a reason and leaves nothing behind.
TEST_F(ChildProcessTest, RunningOutOfDescriptorsIsAnError) {
  Run("exit 0").reset();
  size_t fds = CountFds();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  int failures = 0;
  for (rlim_t left = 0; left < 12; ++left) {
    UniqueFd first_free(dup(STDERR_FILENO));
    rlimit limit{static_cast<rlim_t>(first_free.get()) + left, before.rlim_max};
    first_free.reset();
    setrlimit(RLIMIT_NOFILE, &limit);
    auto child = TrySpawn("exec sleep 600");
    setrlimit(RLIMIT_NOFILE, &before);
    if (child.ok()) continue;
    ++failures;
    EXPECT_THAT(Message(child.status()), HasSubstr("Too many open files"));
  }
  EXPECT_GT(failures, 3);
  EXPECT_LT(failures, 12);
  EXPECT_EQ(CountFds(), fds);
  EXPECT_FALSE(HasZombie());
}

// A child that somebody else has waited for has ended all the same.
TEST_F(ChildProcessTest, AnEndThatWasStolenIsNoticed) {
  UniqueFd readable(eventfd(1, EFD_CLOEXEC));
  std::promise<void> go_on;
  auto child = Spawn("exec sleep 600");
  auto busy = IoThread::Instance()
                  .Watch(readable.get(),
                         [&] {
                           go_on.get_future().wait();
                           return false;
                         })
                  .value();
  EXPECT_TRUE(child->Signal(SIGKILL).ok());
  EXPECT_EQ(waitpid(child->pid(), nullptr, 0), child->pid());
  go_on.set_value();
  EXPECT_TRUE(child->WaitForExit(LongTime()).ok());
  IoThread::Instance().Unwatch(busy);
}

}  // namespace
}  // namespace tandem
