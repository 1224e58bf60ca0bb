// SPDX-License-Identifier: Apache-2.0
// What is taken for a killed run's, and what is not. Two calls of the C library stand here, so that
// a test decides what comes between them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "lib/process/process_tree.h"
#include "lib/process/scratch_directory.h"

namespace {

std::string unreadable_path;  // cannot be opened
int unreadable_errno = 0;
std::function<void(int fd)> before_flock;  // called once

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
  int mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, int);
    va_end(arguments);
  }
  if (!unreadable_path.empty() && path == unreadable_path) {
    errno = unreadable_errno;
    return -1;
  }
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

extern "C" int flock(int fd, int operation) {
  if (before_flock) std::exchange(before_flock, nullptr)(fd);
  return static_cast<int>(syscall(SYS_flock, fd, operation));
}

namespace tandem {
namespace {

namespace fs = std::filesystem;

// A parent of the directories that a test makes.
class OrphansTest : public ::testing::Test {
 protected:
  void SetUp() override { setenv("TMPDIR", outer_->path().c_str(), 1); }
  void TearDown() override {
    unsetenv("TMPDIR");
    before_flock = nullptr;
    unreadable_path.clear();
  }
  std::string MakeEmpty(const std::string& name, std::chrono::minutes age) {
    std::string path = outer_->File(name);
    fs::create_directory(path);
    fs::permissions(path, fs::perms::owner_all);
    fs::last_write_time(path, fs::file_time_type::clock::now() - age);
    return path;
  }

  std::unique_ptr<ScratchDirectory> outer_ = ScratchDirectory::Create().value();
};

// Another process finds the new directory before it is locked, and takes it for an orphan.
TEST_F(OrphansTest, ADirectoryThatGoesBeforeItIsLockedIsReplaced) {
  std::string removed;
  before_flock = [&](int fd) {
    removed = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd)).parent_path();
    fs::remove_all(removed);
  };
  auto made = ScratchDirectory::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE(removed.starts_with(outer_->path())) << "if nothing was removed, this test is idle";
  EXPECT_NE((*made)->path(), removed);
  std::ofstream((*made)->File("file")) << "text";
  EXPECT_TRUE(fs::exists((*made)->File("file")));
}

// A run was killed between the making of its directory and its lock.
TEST_F(OrphansTest, EmptyDirectoriesGoWhenTheyAreOld) {
  std::string old = MakeEmpty("tandem-000001", std::chrono::minutes(10));
  std::string young = MakeEmpty("tandem-000002", std::chrono::minutes(1));
  std::string full = MakeEmpty("tandem-000003", std::chrono::minutes(0));
  std::ofstream(full + "/file") << "text";
  fs::last_write_time(full, fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_TRUE(ScratchDirectory::Create().ok());
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_TRUE(fs::exists(full + "/file"));
}

// A process that seems to belong to another run.
class OthersTest : public OrphansTest {
 protected:
  void Start(const std::string& tag) {
    tag_ = tag;
    auto others =
        ChildProcess::Spawn({.name = "others",
                             .argv = {"env", fmt::format("{}={}", kProcessTagVariable, tag), "sh",
                                      "-c", "echo started; exec sleep 600"},
                             .ends_by_itself = true},
                            recording_);
    ASSERT_TRUE(others.ok()) << others.status();
    others_ = *std::move(others);
    // Or killed by a run beside this one.
    absl::Status waited = recording_.Wait(Deadline::After(absl::Seconds(60)), "its word", [&] {
      return !recording_.LastOfKind(EntryKind::kStdout, 1).empty() || !others_->running();
    });
    ASSERT_TRUE(waited.ok()) << waited;
  }
  // Looks for orphans, and says whether the process is spared.
  bool IsSpared() {
    absl::Status looked = KillOrphans(Deadline::After(absl::Seconds(20)));
    EXPECT_TRUE(looked.ok()) << looked;
    return !FindTagged(tag_).value().empty();
  }

  std::string tag_;
  Recording recording_;
  std::unique_ptr<ChildProcess> others_;
};

// Only an owner who is known to be gone is gone.
TEST_F(OthersTest, AreSparedWhenNothingIsKnownOfTheirOwner) {
  ASSERT_NO_FATAL_FAILURE(Start(OwnerTagPrefix() + "others"));
  unreadable_path = fmt::format("/proc/{}/stat", getpid());
  for (int error : {EMFILE, ENFILE, ENOMEM, EACCES, EPERM, EIO, ENOENT}) {  // the last by hidepid
    unreadable_errno = error;
    EXPECT_TRUE(IsSpared()) << strerror(error);
  }
}

// An owner who could not read when it was started.
TEST_F(OthersTest, AreSparedWhenTheirOwnersStartIsUnknown) {
  ASSERT_NO_FATAL_FAILURE(Start(fmt::format("{}-0-others", getpid())));
  EXPECT_TRUE(IsSpared());
}

// The owner of a process is who spawned it; that its owner's owner lives does not matter.
TEST_F(OthersTest, AreKilledWhenOnlyTheirOwnersOwnerLives) {
  ASSERT_NO_FATAL_FAILURE(Start(fmt::format("{}1.{}-1-1.", OwnerTagPrefix(), getpid())));
  EXPECT_FALSE(IsSpared());
}

// A pid that another process has since.
TEST_F(OthersTest, AreKilledWhenTheirOwnersPidWasUsedAgain) {
  ASSERT_NO_FATAL_FAILURE(Start(fmt::format("{}-1-others", getpid())));
  EXPECT_FALSE(IsSpared());
}

}  // namespace
}  // namespace tandem
