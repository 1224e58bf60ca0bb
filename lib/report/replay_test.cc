// SPDX-License-Identifier: Apache-2.0
// Records a real migration and replays it; skipped where there is no QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lib/base/status.h"
#include "lib/qemu/machine.h"
#include "lib/report/evidence.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Two machines without a guest program, so that it runs wherever QEMU does.
class ReplayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<QemuBinary> binary = QemuBinaryFromEnvironment(MigrationSide::kSource);
    if (!binary.ok()) GTEST_SKIP() << "no QEMU: " << Message(binary.status());
    scratch_ = ScratchDirectory::Create().value();
    MachineOptions source{.role = "source", .ram_mib = 32};
    MachineOptions destination{.role = "destination", .ram_mib = 32, .incoming = "defer"};
    ASSERT_NO_FATAL_FAILURE(Start(*binary, source, source_));
    ASSERT_NO_FATAL_FAILURE(Start(*binary, destination, destination_));
  }

  void Start(const QemuBinary& binary, const MachineOptions& options,
             std::unique_ptr<Machine>& machine) {
    auto launched = Machine::Launch(binary, options, *scratch_, recording_);
    ASSERT_TRUE(launched.ok()) << launched.status();
    machine = *std::move(launched);
    absl::Status ready = machine->AwaitReady(deadline_);
    ASSERT_TRUE(ready.ok()) << ready;
  }

  Json Do(Machine& machine, const std::string& command, const Json& arguments = Json()) {
    absl::StatusOr<Json> answer = machine.qmp().Execute(command, arguments, deadline_);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : Json();
  }

  void Migrate() {
    Json events = Json::Object({{"capability", "events"}, {"state", true}});
    Json capabilities = Json::Object({{"capabilities", Json::Array({events})}});
    Do(*source_, "migrate-set-capabilities", capabilities);
    Do(*destination_, "migrate-set-capabilities", capabilities);
    Do(*destination_, "migrate-incoming", Json::Object({{"uri", "tcp:127.0.0.1:0"}}));
    port_ = Do(*destination_, "query-migrate")["socket-address"][0]["port"].Text();
    Do(*source_, "migrate", Json::Object({{"uri", "tcp:127.0.0.1:" + port_}}));
    for (Machine* machine : {source_.get(), destination_.get()}) {
      auto completed =
          machine->qmp().WaitForEvent(0, MigrationEvent("completed"), "completion", deadline_);
      EXPECT_TRUE(completed.ok()) << completed.status();
    }
  }

  TestEvidence Evidence() const {
    TestEvidence evidence{.test_name = "Replay.Test", .recording = &recording_};
    for (const Machine* machine : {source_.get(), destination_.get()}) {
      evidence.machines.push_back(
          {.role = machine->role(), .command_line = machine->command_line()});
    }
    return evidence;
  }

  // Runs the script of `evidence`; said_ is what it said.
  ExitStatus Replay(const TestEvidence& evidence, const std::string& wait_seconds) {
    Recording said;
    std::string folder = scratch_->File("artifacts");
    absl::Status written = WriteEvidence(folder, evidence);
    EXPECT_TRUE(written.ok()) << written;
    fs::create_directory(scratch_->File("tmp"));
    auto script =
        ChildProcess::Spawn(
            {.name = "script",
             .argv = {folder + "/reproduce.sh", "--kill"},
             .environment = {{"TMPDIR", scratch_->File("tmp")}, {"REPLAY_TIMEOUT", wait_seconds}}},
            said)
            .value();
    absl::StatusOr<ExitStatus> exit = script->WaitForExit(deadline_);
    EXPECT_TRUE(exit.ok()) << exit.status();
    for (const std::string& line : said.LastOfKind(EntryKind::kStderr, 50)) said_ += line + "\n";
    return exit.ok() ? *exit : ExitStatus{.value = -1};
  }

  // What a machine of the replay answered.
  std::string Answers(const std::string& role) const {
    fs::path folder = fs::directory_iterator(scratch_->File("tmp"))->path();
    return ReadTextFile(folder / (role + ".qmp.log"));
  }

  const Deadline deadline_ = Deadline::After(absl::Seconds(40));
  Recording recording_;
  std::unique_ptr<ScratchDirectory> scratch_;
  std::unique_ptr<Machine> source_, destination_;
  std::string port_;
  std::string said_;  // by the script
};

// The script migrates again, over a port of its own, and kills what the test killed.
TEST_F(ReplayTest, ScriptRepeatsARecordedMigrationAndTheKillAfterIt) {
  Migrate();
  EXPECT_TRUE(source_->qmp()
                  .ExecuteOob("yank", Json::Object({{"instances", Json::Array({})}}), deadline_)
                  .ok());
  EXPECT_TRUE(source_->Kill(deadline_).ok());
  Do(*destination_, "query-status");
  ExitStatus exit = Replay(Evidence(), "20");
  EXPECT_TRUE(exit.succeeded()) << exit.ToString() << "\n" << said_;
  EXPECT_THAT(said_, HasSubstr("replayed to the end"));
  EXPECT_THAT(said_, Not(HasSubstr("in the recording it was"))) << "an answer differs";
  EXPECT_THAT(Answers("source"), HasSubstr(R"("status": "completed")"));
  EXPECT_THAT(Answers("destination"),
              AllOf(HasSubstr(R"("status": "completed")"), Not(HasSubstr('"' + port_ + '"'))));
}

// Where QEMU behaves otherwise than in the recording, the script says what it misses, and fails.
TEST_F(ReplayTest, ScriptNamesTheEventThatDoesNotComeAgain) {
  recording_.Append("source", EntryKind::kQmpEvent, R"({"event":"GUEST_PANICKED"})");
  Do(*source_, "query-status");
  ExitStatus exit = Replay(Evidence(), "1");
  EXPECT_EQ(exit.value, 1);
  EXPECT_THAT(said_, HasSubstr("event GUEST_PANICKED number 1"));
}

}  // namespace
}  // namespace tandem
