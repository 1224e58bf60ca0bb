// SPDX-License-Identifier: Apache-2.0
// What is left of a test process that dies: nothing. Each test starts this binary once more in a
// role that makes a directory and processes, kills it, and watches what it made through pidfds.
#include "lib/process/guardian.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "lib/process/scratch_directory.h"

namespace tandem {
namespace {

constexpr char kRoleVariable[] = "TANDEM_GUARDIAN_TEST_ROLE";
constexpr char kFamily[] = "(setsid sh -c 'echo $$; exec sleep 600' &); exec sleep 600";
constexpr int kLongTimeMs = 20'000;

void Report(const char* name, const std::string& value) {
  std::printf("%s %s\n", name, value.c_str());
  std::fflush(stdout);
}

// One more owner, and what it reports.
std::unique_ptr<ChildProcess> StartInnerOwner(Recording& recording) {
  SpawnOptions options{.name = "inner",
                       .argv = {"/proc/self/exe", "--gtest_filter=GuardianTest.*"}};
  options.environment = {{kRoleVariable, "plain"}};
  auto inner = ChildProcess::Spawn(options, recording).value();
  std::map<std::string, std::string> reports;
  auto is_ready = [&] {
    for (const std::string& line : recording.LastOfKind(EntryKind::kStdout, 10)) {
      std::istringstream words(line);
      std::string process, name;
      words >> process >> name >> reports[name];
    }
    return reports.contains("ready");
  };
  recording.Wait(Deadline::After(absl::Seconds(60)), "the inner owner", is_ready).IgnoreError();
  Report("inner", std::to_string(inner->pid()));
  Report("inner_guardian", reports["guardian"]);
  Report("inner_directory", reports["directory"]);
  return inner;
}

[[noreturn]] void PlayOwner(const std::string& role) {
  auto scratch = ScratchDirectory::Create().value();
  std::filesystem::create_directory(scratch->File("sub"));
  std::ofstream(scratch->File("sub/file")) << "text";
  if (role == "forks" && fork() == 0) {
    auto own = ScratchDirectory::Create().value();
    Report("fork_guardian", std::to_string(Guardian::Instance().pid()));
    Report("fork_directory", own->path());
    Report("fork", std::to_string(getpid()));
    for (;;) pause();
  }
  Recording recording;
  auto inner = role == "nests" ? StartInnerOwner(recording) : nullptr;
  auto child =
      ChildProcess::Spawn({.name = "child", .argv = {"sh", "-c", kFamily}}, recording).value();
  auto pid_line = [&] { return recording.LastOfKind(EntryKind::kStdout, 1); };
  recording.Wait(Deadline::After(absl::Seconds(60)), "a pid", [&] { return !pid_line().empty(); })
      .IgnoreError();
  Report("directory", scratch->path());
  Report("guardian", std::to_string(Guardian::Instance().pid()));
  Report("child", std::to_string(child->pid()));
  Report("grandchild", pid_line().at(0).substr(std::strlen("child ")));
  Report("ready", "yes");
  for (;;) pause();
}

// Runs before the tests in the processes that OwnerProcess starts.
class RoleEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    if (auto role = EnvironmentValue(kRoleVariable)) PlayOwner(*role);
  }
};
const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new RoleEnvironment);

// This binary in a role, in a process group of its own.
class OwnerProcess {
 public:
  explicit OwnerProcess(const std::string& role) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    output_.reset(ends[0]);
    setenv(kRoleVariable, role.c_str(), 1);
    pid_ = fork();
    if (pid_ == 0) {
      setpgid(0, 0);
      std::signal(SIGINT, SIG_DFL);      // ignored by what a shell runs in the background
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // where a timeout kills this test
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      execl("/proc/self/exe", "owner", "--gtest_filter=GuardianTest.*", nullptr);
      _exit(127);
    }
    unsetenv(kRoleVariable);
    close(ends[1]);
  }
  ~OwnerProcess() {
    Kill(SIGKILL);
    waitpid(pid_, nullptr, 0);
    for (auto& [name, pidfd] : pidfds_) {
      syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
  }

  // Reads reports up to the one called `last` and opens pidfds of the processes in them.
  void ReadReports(const std::string& last) {
    while (!reports_.contains(last)) {
      std::string line = ReadLine();
      if (line.empty()) FAIL() << "no report of " << last;
      std::istringstream words(line);
      std::string name, value;
      words >> name >> value;
      reports_[name] = value;
      if (std::isdigit(static_cast<unsigned char>(value[0])) == 0) continue;
      pidfds_[name].reset(static_cast<int>(syscall(SYS_pidfd_open, std::stoi(value), 0)));
      EXPECT_TRUE(pidfds_[name].valid()) << line;
    }
  }
  // Awaits the warning that the guardian was killed, and takes the successor for the guardian.
  void ReadSuccessor() {
    reports_.erase("guardian");
    ASSERT_NO_FATAL_FAILURE(ReadReports("guardian"));
  }
  std::string directory(const std::string& name = "directory") { return reports_.at(name); }

  void Kill(int signal) { kill(pid_, signal); }
  void KillGroup(int signal) { kill(-pid_, signal); }
  void Signal(const std::string& name, int signal) {
    syscall(SYS_pidfd_send_signal, pidfds_.at(name).get(), signal, nullptr, 0);
  }
  bool Ended(const std::string& name, int timeout_ms = kLongTimeMs) {
    return IsReadable(pidfds_.at(name).get(), timeout_ms);
  }
  // Whether everyone who could write to its standard output is gone, after what was left in it.
  bool OutputEnds() {
    while (!ReadLine().empty()) continue;
    return ended_;
  }

 private:
  static bool IsReadable(int fd, int timeout_ms) {
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&entry, 1, timeout_ms) == 1;
  }
  // Empty at the end of the output and when nothing comes. Skips GoogleTest's own lines.
  std::string ReadLine() {
    std::string line;
    char c = 0;
    while (IsReadable(output_.get(), kLongTimeMs)) {
      ended_ = read(output_.get(), &c, 1) <= 0;
      if (ended_) return {};
      if (c != '\n') {
        line += c;
      } else if (size_t pid = line.find("): pid "); pid != std::string::npos) {
        return "guardian " + line.substr(pid + std::strlen("): pid "));
      } else if (std::islower(static_cast<unsigned char>(line[0])) != 0) {
        return line;
      } else {
        line.clear();
      }
    }
    return {};
  }

  pid_t pid_ = -1;
  UniqueFd output_;
  bool ended_ = false;
  std::map<std::string, std::string> reports_;
  std::map<std::string, UniqueFd> pidfds_;
};

bool Exists(const std::string& path) { return std::filesystem::exists(path); }

// What the guardian does at the end.
void ExpectCleanUp(OwnerProcess& owner) {
  EXPECT_TRUE(owner.Ended("grandchild"));
  EXPECT_TRUE(owner.Ended("guardian"));
  EXPECT_FALSE(Exists(owner.directory()));
}

// A test process that is SIGKILLed leaves no child, no detached grandchild and no directory.
TEST(GuardianTest, NothingOutlivesAKilledOwner) {
  OwnerProcess owner("plain");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  EXPECT_TRUE(Exists(owner.directory() + "/sub/file"));
  EXPECT_FALSE(owner.Ended("grandchild", 0));
  owner.Kill(SIGKILL);
  EXPECT_TRUE(owner.Ended("child"));
  ExpectCleanUp(owner);
}

// Ctrl-C reaches the whole process group of the test but not the guardian, which cleans up.
TEST(GuardianTest, SurvivesAnInterruptOfTheProcessGroup) {
  OwnerProcess owner("plain");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  owner.KillGroup(SIGINT);
  ExpectCleanUp(owner);
}

// Polite signals to the guardian itself are no reason to leave.
TEST(GuardianTest, IgnoresPoliteSignals) {
  OwnerProcess owner("plain");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) owner.Signal("guardian", signal);
  owner.Kill(SIGKILL);
  ExpectCleanUp(owner);
}

// A guardian that was killed has a successor at once, without any doing of its owner's, and it
// knows the directory. So has the successor.
TEST(GuardianTest, AKilledGuardianHasASuccessor) {
  OwnerProcess owner("plain");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  for (int i = 0; i < 2; ++i) {
    owner.Signal("guardian", SIGKILL);
    EXPECT_TRUE(owner.Ended("guardian"));
    ASSERT_NO_FATAL_FAILURE(owner.ReadSuccessor());
    EXPECT_FALSE(owner.Ended("guardian", 0));
  }
  owner.Kill(SIGKILL);
  ExpectCleanUp(owner);
}

// Who reads the test's output sees its end when the test dies, however long the guardian works on.
TEST(GuardianTest, HoldsNoOutputOfItsOwner) {
  OwnerProcess owner("plain");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  owner.Signal("guardian", SIGSTOP);
  owner.Kill(SIGKILL);
  EXPECT_TRUE(owner.OutputEnds());
  EXPECT_FALSE(owner.Ended("guardian", 0));
  owner.Signal("guardian", SIGCONT);
  ExpectCleanUp(owner);
}

// Where both are killed the child still dies, by PR_SET_PDEATHSIG; what is left goes when the next
// test process starts.
TEST(GuardianTest, TheNextStartCleansUpWhereBothWereKilled) {
  OwnerProcess owner("plain");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  owner.Kill(SIGSTOP);  // no time for a successor
  owner.Signal("guardian", SIGKILL);
  EXPECT_TRUE(owner.Ended("guardian"));
  owner.Kill(SIGKILL);
  EXPECT_TRUE(owner.Ended("child"));
  OwnerProcess living("plain");  // whose own are spared
  ASSERT_NO_FATAL_FAILURE(living.ReadReports("ready"));
  ExpectCleanUp(owner);
  OwnerProcess next("plain");
  ASSERT_NO_FATAL_FAILURE(next.ReadReports("ready"));
  EXPECT_FALSE(living.Ended("grandchild", 0));
  EXPECT_TRUE(Exists(living.directory() + "/sub/file"));
}

// Folders that only look like Tandem's are not touched.
TEST(GuardianTest, TheNextStartSparesWhatIsNotTandems) {
  auto outer = ScratchDirectory::Create().value();
  std::string users = outer->File("tandem-backup"), locked_by_none = outer->File("tandem-orphan");
  for (const std::string& folder : {users, locked_by_none}) {
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }
  std::ofstream(locked_by_none + "/.tandem-lock") << "";
  setenv("TMPDIR", outer->path().c_str(), 1);
  auto inner = ScratchDirectory::Create().value();
  unsetenv("TMPDIR");
  EXPECT_TRUE(inner->path().starts_with(outer->path()));
  EXPECT_TRUE(Exists(users));
  EXPECT_FALSE(Exists(locked_by_none));
}

// A test process that another one started: the guardian of the outer one leaves it to its own one.
TEST(GuardianTest, AGuardianIsSparedByThatOfAnOuterOwner) {
  OwnerProcess owner("nests");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  owner.Signal("inner_guardian", SIGSTOP);
  owner.Kill(SIGKILL);
  EXPECT_TRUE(owner.Ended("guardian"));
  EXPECT_TRUE(owner.Ended("inner"));
  EXPECT_FALSE(owner.Ended("inner_guardian", 0));
  owner.Signal("inner_guardian", SIGCONT);
  EXPECT_TRUE(owner.Ended("inner_guardian"));
  EXPECT_FALSE(Exists(owner.directory("inner_directory")));
}

// A fork of the test process (a death test) has a guardian of its own, which spares its parent's.
TEST(GuardianTest, AForkOfTheOwnerCleansUpOnlyItsOwn) {
  OwnerProcess owner("forks");
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("fork"));
  ASSERT_NO_FATAL_FAILURE(owner.ReadReports("ready"));
  owner.Signal("fork", SIGKILL);
  EXPECT_TRUE(owner.Ended("fork_guardian"));
  EXPECT_FALSE(Exists(owner.directory("fork_directory")));
  EXPECT_TRUE(Exists(owner.directory() + "/sub/file"));
  EXPECT_FALSE(owner.Ended("grandchild", 0));
  owner.Kill(SIGKILL);
  ExpectCleanUp(owner);
}

}  // namespace
}  // namespace tandem
