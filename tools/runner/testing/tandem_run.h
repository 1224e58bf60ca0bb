// SPDX-License-Identifier: Apache-2.0
// Runs the program `tandem` for tests of it, and proves that it leaves no process behind.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "lib/process/process_tree.h"
#include "lib/process/scratch_directory.h"
#include "lib/qemu/cache_directory.h"
#include "lib/qemu/qemu_binary.h"
#include "lib/report/text.h"
#include "tools/runner/run_record.h"

namespace tandem {

// A folder for results, a cache of its own, and a suite that starts no QEMU; but there must be one.
class TandemRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto qemu = QemuBinaryFromEnvironment(MigrationSide::kSource);
    ASSERT_TRUE(qemu.ok()) << qemu.status();
    setenv("TANDEM_QEMU", qemu->path.c_str(), 1);
    std::filesystem::create_directory(scratch_->File("cache"));
    std::filesystem::create_symlink(CacheDirectory() + "/probe", scratch_->File("cache/probe"));
    setenv("TANDEM_SCRIPTED_FOLDER", folder().c_str(), 1);
    setenv("TANDEM_CACHE", scratch_->File("cache").c_str(), 1);
    unsetenv("TANDEM_SCRIPTED_LISTING");
    unsetenv("TANDEM_TIMEOUT");
  }
  void TearDown() override {
    child_.reset();
    EXPECT_TRUE(FindTagged(OwnerTagPrefix())->empty()) << "something was left running";
  }

  const std::string& folder() const { return scratch_->path(); }
  const std::string& results() const { return results_; }

  void Start(const std::vector<std::string>& arguments,
             const std::string& suites = TANDEM_SCRIPTED) {
    std::vector<std::string> all = {"run", "--suites", suites, "--output", results()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    StartTandem(std::move(all));
  }
  // With any subcommand.
  void StartTandem(std::vector<std::string> arguments) {
    std::vector<std::string> argv = wrapper_;
    argv.emplace_back(TANDEM_PROGRAM);
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    SpawnOptions options{.name = "tandem", .argv = std::move(argv)};
    options.ends_by_itself = true;
    start_ = recording_.last_sequence();
    auto spawned = ChildProcess::Spawn(options, recording_);
    ASSERT_TRUE(spawned.ok()) << spawned.status();
    child_ = *std::move(spawned);
  }
  // From now on tandem is "$@" of this script.
  void StartByShell(const std::string& script) { wrapper_ = {"bash", "-c", script, "bash"}; }
  // Its exit code; -1 when it was killed.
  int Finish() {
    auto ended = child_->WaitForExit(Deadline::After(absl::Seconds(90)));
    if (!ended.ok()) {
      ADD_FAILURE() << ended.status();
      return -1;
    }
    return ended->kind == ExitStatus::Kind::kExited ? ended->value : -1;
  }
  int RunTandem(std::vector<std::string> arguments) {
    StartTandem(std::move(arguments));
    return Finish();
  }
  int Run(const std::vector<std::string>& arguments) {
    Start(arguments);
    return Finish();
  }
  // Of the last run: what it printed on both streams.
  std::string Output() const {
    std::string text;
    for (const RecordingEntry& entry : recording_.EntriesAfter(start_)) {
      if (entry.kind != EntryKind::kProcess) text += entry.text + "\n";
    }
    return text;
  }
  void AwaitOutput(const std::string& part) {
    absl::Status waited = recording_.Wait(Deadline::After(absl::Seconds(60)), part, [&] {
      return Output().find(part) != std::string::npos || !child_->running();
    });
    ASSERT_TRUE(waited.ok()) << waited;
    ASSERT_THAT(Output(), ::testing::HasSubstr(part));
  }
  // A file that a test of the run makes. There is no event for it.
  void AwaitFile(const std::string& path) {
    Deadline deadline = Deadline::After(absl::Seconds(60));
    while (access(path.c_str(), F_OK) != 0 && !deadline.expired()) usleep(10'000);
    ASSERT_EQ(access(path.c_str(), F_OK), 0) << path;
  }

  RunRecord Latest() const { return ReadRun(results() + "/latest").value(); }
  // The only record of a test.
  TestRecord RecordOf(const std::string& name) const {
    for (const TestRecord& record : Latest().records) {
      if (record.id == "scripted.Scripted." + name) return record;
    }
    ADD_FAILURE() << "no record of " << name;
    return {};
  }

  std::unique_ptr<ScratchDirectory> scratch_ = ScratchDirectory::Create().value();
  std::string results_ = scratch_->File("results");
  std::vector<std::string> wrapper_;
  Recording recording_;
  uint64_t start_ = 0;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace tandem
