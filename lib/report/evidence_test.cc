// SPDX-License-Identifier: Apache-2.0
#include "lib/report/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/qmp/json.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() : scratch_(ScratchDirectory::Create().value()) {
    evidence_.test_name = "Suite.Test";
    evidence_.failures = {"file.cc:7\nit broke"};
    evidence_.recording = &recording_;
    evidence_.machines.push_back({.role = "source",
                                  .command_line = {"/opt/qemu", "-name", "it's"},
                                  .version = "11.1",
                                  .process_state = "running with pid 17",
                                  .last_answers = {{"query-status", R"({"status": "running"})"},
                                                   {"query-migrate", "no \xFF answer"}}});
  }

  std::string Path(const std::string& name) const { return scratch_->File("out/" + name); }
  std::string Text(const std::string& name) const { return ReadTextFile(Path(name)); }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(scratch_->File("out"))) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  absl::Status Write() { return WriteEvidence(scratch_->File("out"), evidence_); }

  std::unique_ptr<ScratchDirectory> scratch_;
  Recording recording_;
  TestEvidence evidence_;
};

// Parameters become one folder name; nothing leads out of the artifacts folder.
TEST_F(EvidenceTest, FolderNamesArePlain) {
  EXPECT_EQ(ArtifactFolderName("Pc/ColoTest.A/b"), "Pc.ColoTest.A.b");
  EXPECT_EQ(ArtifactFolderName("a b\n$"), "a_b__");
  EXPECT_EQ(ArtifactFolderName(".."), "unnamed..");
  EXPECT_EQ(ArtifactFolderName(""), "unnamed");
}

// The files are those that the header promises; stacks and oracle only where there are some.
TEST_F(EvidenceTest, WritesTheFilesOfAMachine) {
  ASSERT_TRUE(Write().ok());
  EXPECT_THAT(Files(),
              UnorderedElementsAre("failure.txt", "timeline.txt", "timeline.json", "reproduce.sh",
                                   "source.command.txt", "source.qmp.log", "source.serial.log",
                                   "source.stderr.log", "source.state.json"));
  evidence_.machines[0].stacks = "#0 main";
  evidence_.machines[0].oracle_report = "page 0x1 stale";
  ASSERT_TRUE(Write().ok());
  EXPECT_EQ(Text("source.stacks.txt"), "#0 main");
  EXPECT_THAT(Text("oracle.txt"), HasSubstr("source:\npage 0x1 stale"));
}

// For a test that passed: the timeline alone, in place of what an earlier run left.
TEST_F(EvidenceTest, WritesTheTimelineAlone) {
  recording_.Append("source", EntryKind::kProcess, "started");
  ASSERT_TRUE(Write().ok());
  ASSERT_TRUE(WriteTimeline(scratch_->File("out"), evidence_).ok());
  EXPECT_THAT(Files(), UnorderedElementsAre("timeline.json"));
  auto timeline = Json::Parse(Text("timeline.json"));
  ASSERT_TRUE(timeline.ok()) << timeline.status();
  EXPECT_EQ((*timeline)["lanes"][0]["role"].Text(), "source");
}

// The conversation keeps every byte, its direction and times to the microsecond.
TEST_F(EvidenceTest, KeepsTheWholeConversation) {
  recording_.Append("source", EntryKind::kQmpSent, R"({"execute":"a"})");
  recording_.Append("source", EntryKind::kQmpReply, R"({"return": {}})");
  recording_.Append("destination", EntryKind::kQmpEvent, "not its own");
  recording_.Append("source", EntryKind::kStderr, "warning");
  recording_.Append("source", EntryKind::kSerial, std::string("A\0\r\nB", 5));
  ASSERT_TRUE(Write().ok());
  EXPECT_THAT(Text("source.qmp.log"), ContainsRegex(R"( 0\.[0-9]{6} -> \{"execute":"a"\})"));
  EXPECT_THAT(Text("source.qmp.log"), HasSubstr(R"(<- {"return": {}})"));
  EXPECT_THAT(Text("source.qmp.log"), Not(HasSubstr("not its own")));
  EXPECT_THAT(Text("source.stderr.log"), HasSubstr("err warning"));
  EXPECT_EQ(Text("source.serial.log"), std::string("A\0\r\nB", 5));
}

// The last answers are one JSON object, also where an error came instead.
TEST_F(EvidenceTest, StateIsJson) {
  ASSERT_TRUE(Write().ok());
  absl::StatusOr<Json> state = Json::Parse(Text("source.state.json"));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ((*state)["query-status"]["status"].Text(), "running");
  EXPECT_EQ((*state)["query-migrate"].Text(), "no \xEF\xBF\xBD answer");
}

// The command line can be pasted into a shell; the script can be run.
TEST_F(EvidenceTest, CommandLineIsQuotedAndScriptIsExecutable) {
  ASSERT_TRUE(Write().ok());
  EXPECT_EQ(Text("source.command.txt"), "/opt/qemu \\\n-name \\\n'it'\\''s'\n");
  EXPECT_NE(fs::status(Path("reproduce.sh")).permissions() & fs::perms::owner_exec,
            fs::perms::none);
}

// A second failure of the same test leaves nothing of the first.
TEST_F(EvidenceTest, EmptiesTheFolderOfAnEarlierRun) {
  fs::create_directories(Path("old"));
  ASSERT_TRUE(WriteTextFile(Path("old/core"), "x").ok());
  ASSERT_TRUE(Write().ok());
  EXPECT_THAT(Files(), Not(::testing::Contains("old")));
}

// Two files of one name are both kept, and none replaces a file of the report.
TEST_F(EvidenceTest, CopiesFilesUnderFreeNames) {
  fs::create_directory(scratch_->File("a"));
  evidence_.files = {scratch_->File("failure.txt"), scratch_->File("a/failure.txt")};
  ASSERT_TRUE(WriteTextFile(evidence_.files[0], "one").ok());
  ASSERT_TRUE(WriteTextFile(evidence_.files[1], "two").ok());
  ASSERT_TRUE(Write().ok());
  EXPECT_THAT(Text("failure.txt"), HasSubstr("it broke"));
  EXPECT_EQ(Text("failure.txt.2"), "one");
  EXPECT_EQ(Text("failure.txt.3"), "two");
}

// A file that cannot be copied is named, and all else is written nevertheless.
TEST_F(EvidenceTest, GoesOnAfterAnError) {
  evidence_.files = {"/no/such/file", scratch_->File("there")};
  ASSERT_TRUE(WriteTextFile(evidence_.files[1], "kept").ok());
  EXPECT_THAT(Message(Write()), HasSubstr("cannot copy /no/such/file"));
  EXPECT_EQ(Text("there"), "kept");
}

// Where the folder cannot be made, the error names it.
TEST_F(EvidenceTest, NamesAFolderThatCannotBeMade) {
  ASSERT_TRUE(WriteTextFile(scratch_->File("out"), "in the way").ok());
  EXPECT_THAT(Message(Write()), HasSubstr(scratch_->File("out")));
}

}  // namespace
}  // namespace tandem
