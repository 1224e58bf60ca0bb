// SPDX-License-Identifier: Apache-2.0
// What the script says, without QEMU; replay_test.cc runs one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "lib/process/child_process.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/evidence.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ReproduceTest : public ::testing::Test {
 protected:
  ReproduceTest() {
    evidence_.test_name = "Suite.Test/Variant";
    evidence_.recording = &recording_;
    AddMachine("source", {});
    AddMachine("destination", {"-incoming", "defer"});
  }

  void AddMachine(const std::string& role, const std::vector<std::string>& arguments) {
    std::string socket = "unix:/tmp/tandem-run/" + role;
    std::vector<std::string> line = {"/opt/qemu 11/qemu", "-name", role,           "-serial",
                                     socket + ".serial",  "-qmp",  socket + ".qmp"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    evidence_.machines.push_back({.role = role, .command_line = line, .version = "11.1"});
    recording_.Append(role, EntryKind::kProcess, "started with pid 1: qemu");
  }

  void Send(const std::string& role, const std::string& text) {
    recording_.Append(role, EntryKind::kQmpSent, text);
  }
  void Reply(const std::string& role, const std::string& text) {
    recording_.Append(role, EntryKind::kQmpReply, text);
  }
  void Event(const std::string& role, const std::string& name) {
    recording_.Append(role, EntryKind::kQmpEvent, R"({"event":")" + name + R"("})");
  }

  std::string Script() const { return ReproduceScript(evidence_); }
  // The steps behind the script's functions, without comments and empty lines.
  std::string Steps() const {
    std::string script = Script();
    std::string steps;
    for (const std::string& line : SplitLines(script.substr(script.rfind("\n}\n") + 3))) {
      if (!line.empty() && !line.starts_with("#")) steps += line + "\n";
    }
    return steps;
  }

  Recording recording_;
  TestEvidence evidence_;
};

// It says what else a run of the test needs to be the same.
TEST_F(ReproduceTest, TellsTheSeed) {
  EXPECT_THAT(Script(), Not(HasSubstr("seed")));
  evidence_.random_seed = 7;
  EXPECT_THAT(Script(), AllOf(HasSubstr("--gtest_random_seed=7"), HasSubstr("--seed=7 to tandem")));
}

// QMP comes over stdio, the console goes to a file, and another binary can be named.
TEST_F(ReproduceTest, StartsMachinesWithoutTheSocketsOfTheRun) {
  EXPECT_THAT(Steps(), HasSubstr("start destination QEMU_DESTINATION '/opt/qemu 11/qemu' -- \\\n"
                                 "  -name destination \\\n"
                                 "  -serial file:\"$work\"/destination.serial.log \\\n"
                                 "  -qmp stdio \\\n"
                                 "  -incoming defer\n"));
  EXPECT_THAT(Script(), Not(HasSubstr("/tmp/tandem-run")));
}

// A command is sent when the answers and events have come that had come before it.
TEST_F(ReproduceTest, WaitsForWhatHadComeBeforeACommand) {
  Send("source", R"({"execute":"cont","id":1})");
  Event("source", "STOP");
  Event("destination", "STOP");
  Event("source", "STOP");
  Reply("source", R"({"return": {}, "id": 1})");
  Send("destination", R"({"execute":"x","id":1})");
  Event("source", "STOP");
  Reply("destination", R"({"id": 1, "error": {"class": "GenericError", "desc": "no"}})");
  EXPECT_THAT(Steps(), HasSubstr(R"(send source '{"execute":"cont","id":1}'
answered source 1 return
happened destination STOP 1
happened source STOP 2
send destination '{"execute":"x","id":1}'
answered destination 1 error
happened source STOP 3
say 'replayed)"));
}

// An answer that was still out when the next command went is not awaited before it.
TEST_F(ReproduceTest, DoesNotWaitForAnAnswerThatWasStillOut) {
  Send("source", R"({"execute":"slow","id":1})");
  Send("source", R"({"exec-oob":"yank","id":2})");
  Reply("source", R"({"return": {}, "id": 2})");
  EXPECT_THAT(Steps(), HasSubstr("send source '{\"execute\":\"slow\",\"id\":1}'\n"
                                 "send source '{\"exec-oob\":\"yank\",\"id\":2}'\n"
                                 "answered source 2 return\n"));
}

// MIGRATION is counted by status; sync passes, whose number depends on the load, are not awaited.
TEST_F(ReproduceTest, CountsMigrationEventsByStatus) {
  recording_.Append("source", EntryKind::kQmpEvent,
                    R"({"event":"MIGRATION","data":{"status":"completed"}})");
  recording_.Append("source", EntryKind::kQmpEvent,
                    R"({"event":"MIGRATION_PASS","data":{"pass":2}})");
  EXPECT_THAT(Steps(), AllOf(HasSubstr("happened source 'MIGRATION completed' 1"),
                             Not(HasSubstr("MIGRATION_PASS"))));
}

// The port that the destination chose is read from its answer and put into later commands.
TEST_F(ReproduceTest, ReadsThePortAnew) {
  Send("destination", R"({"execute":"query-migrate","id":4})");
  Reply("destination", R"({"return": {"socket-address": [{"port": "38049"}]}, "id": 4})");
  Send("source", R"({"execute":"migrate","arguments":{"uri":"tcp:h:38049"},"id":5})");
  EXPECT_THAT(Steps(), HasSubstr("answered destination 4 return\n"
                                 "port_from port_1 destination 4\n"
                                 "send source '{\"execute\":\"migrate\",\"arguments\":{\"uri\":"
                                 "\"tcp:h:'\"$port_1\"'\"},\"id\":5}'\n"));
}

// What the test did to the processes is done again; the end of one is awaited.
TEST_F(ReproduceTest, RepeatsSignals) {
  for (const char* deed : {"freeze source", "thaw source", "kill source", "kill time"}) {
    recording_.Append("source", EntryKind::kNote, deed);
  }
  recording_.Append("source", EntryKind::kProcess, "ended with signal 9 (SIGKILL)");
  EXPECT_THAT(Steps(), HasSubstr("signal source STOP\nsignal source CONT\nsignal source KILL\n"
                                 "ended source\nsay 'replayed"));
}

// That the fixture ends the machines, and what they say to that, is not part of the test.
TEST_F(ReproduceTest, LeavesOutTheTeardown) {
  Event("destination", "STOP");
  recording_.Append("source", EntryKind::kProcess, "ended with signal 9 (SIGKILL)");
  Event("destination", "COLO_EXIT");
  EXPECT_THAT(Steps(), AllOf(HasSubstr("happened destination STOP 1\nsay 'replayed"),
                             Not(HasSubstr("ended source")), Not(HasSubstr("COLO_EXIT"))));
}

// The same, where the fixture says that the test is over.
TEST_F(ReproduceTest, EndsAtTheTeardownNote) {
  recording_.Append("test", EntryKind::kNote, kTeardownNote);
  Event("destination", "COLO_EXIT");
  EXPECT_THAT(Steps(), Not(HasSubstr("COLO_EXIT")));
}

// A crash is part of it: the script waits for it to happen again.
TEST_F(ReproduceTest, WaitsForACrash) {
  recording_.Append("source", EntryKind::kProcess, "ended with signal 6 (SIGABRT)");
  EXPECT_THAT(Steps(), HasSubstr("ended source\nsay 'replayed"));
}

// A guest that boots must have begun to print; how much it printed depends on its speed, and one
// that came over a migration may have been stopped before it printed.
TEST_F(ReproduceTest, WaitsForTheFirstByteOfAConsole) {
  recording_.Append("source", EntryKind::kSerial, "AB");
  recording_.Append("source", EntryKind::kSerial, "B");
  recording_.Append("destination", EntryKind::kSerial, "B");
  EXPECT_THAT(Steps(), HasSubstr("printed source\nsay 'replayed"));
}

// Where the test waited for time or for a guest, the script waits as long.
TEST_F(ReproduceTest, PausesWhereTheTestDid) {
  Reply("source", R"({"return": {}, "id": 1})");
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  recording_.Append("source", EntryKind::kNote, "freeze source");
  recording_.Append("source", EntryKind::kNote, "thaw source");
  EXPECT_THAT(Steps(), ::testing::ContainsRegex("\npause 0\\.[0-9]+\nsignal source STOP\n"
                                                "signal source CONT"));
}

// A descriptor of the test is not in the recording: the script stops there and says why.
TEST_F(ReproduceTest, StopsAtDescriptors) {
  Send("source", R"({"execute":"getfd","arguments":{"fdname":"f"},"id":1})");
  Send("source", R"({"execute":"migrate","arguments":{"uri":"fd:f"},"id":2})");
  EXPECT_THAT(Steps(), AllOf(HasSubstr("cannot_replay 'source: getfd passes a descriptor"),
                             Not(HasSubstr("send")), Not(HasSubstr("say 'replayed"))));
}

// Quotes, dollars and newlines of commands and names do not break the script's syntax.
TEST_F(ReproduceTest, HostileTextIsNoSyntax) {
  evidence_.test_name = "A\nrm -rf /";
  Send("source", "{\"execute\":\"it's $(false) `false` \\\" \"}");
  auto scratch = ScratchDirectory::Create().value();
  ASSERT_TRUE(WriteTextFile(scratch->File("script"), Script()).ok());
  Recording said;
  auto bash =
      ChildProcess::Spawn({.name = "bash", .argv = {"bash", "-n", scratch->File("script")}}, said)
          .value();
  EXPECT_TRUE(bash->WaitForExit(Deadline::After(absl::Seconds(10)))->succeeded())
      << bash->last_stderr_line();
  EXPECT_THAT(Script(), Not(HasSubstr("\nrm -rf")));
}

}  // namespace
}  // namespace tandem
