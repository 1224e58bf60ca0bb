// SPDX-License-Identifier: Apache-2.0
// The program tandem-stream, on small streams made by hand; damage_test and file_test parse those
// of real QEMUs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "lib/process/scratch_directory.h"
#include "lib/qmp/json.h"
#include "lib/stream/test_stream.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class StreamToolTest : public ::testing::Test {
 protected:
  void Write(std::string_view bytes) { std::ofstream(path_, std::ios::binary) << bytes; }

  // Its exit code; what it printed is in Output().
  int Run(const std::string& arguments) {
    recording_ = std::make_unique<Recording>();
    std::string command = std::string("exec ") + TANDEM_STREAM + " " + arguments;
    auto child = ChildProcess::Spawn(
        {.name = "tool", .argv = {"sh", "-c", command}, .ends_by_itself = true}, *recording_);
    if (!child.ok()) return -1;
    auto ended = (*child)->WaitForExit(Deadline::After(absl::Seconds(60)));
    return ended.ok() && ended->kind == ExitStatus::Kind::kExited ? ended->value : -1;
  }
  std::string Output() const { return Text(EntryKind::kStdout); }
  std::string Errors() const { return Text(EntryKind::kStderr); }

  std::unique_ptr<ScratchDirectory> scratch_ = ScratchDirectory::Create().value();
  std::string path_ = scratch_->File("saved");

 private:
  std::string Text(EntryKind kind) const {
    std::string text;
    for (const RecordingEntry& entry : recording_->EntriesAfter(0)) {
      if (entry.kind == kind) text += entry.text + "\n";
    }
    return text;
  }

  std::unique_ptr<Recording> recording_;
};

TEST_F(StreamToolTest, PrintsParts) {
  Write(SmallStream().text());
  EXPECT_EQ(Run(path_), 0) << Errors();
  EXPECT_THAT(Output(), HasSubstr("section 0 full \"timer\", instance 0, version 2"));
  EXPECT_THAT(Output(),
              HasSubstr("block \"pc.ram\" of 0xc00 bytes: 2 normal pages, 1 zero, 1 xbzrle"));
  EXPECT_THAT(Output(), ::testing::Not(HasSubstr(" page 0x")));
  EXPECT_EQ(Errors(), "");
}

TEST_F(StreamToolTest, ListsPages) {
  Write(SmallStream().text());
  EXPECT_EQ(Run("--pages " + path_), 0) << Errors();
  EXPECT_THAT(Output(), AllOf(HasSubstr("zero page 0x400 of \"pc.ram\""),
                              HasSubstr("1024  normal page 0x0 of \"rom\"")));
}

// Programs find the parts, the pages, and what QEMU told of its devices.
TEST_F(StreamToolTest, PrintsJson) {
  Write("marker" + SmallStream().text());
  EXPECT_EQ(Run("--json --pages --offset=0x6 " + path_), 0) << Errors();
  auto json = Json::Parse(Output());
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["configuration"]["machine-type"].Text(), "pc-q35-11.1");
  EXPECT_EQ((*json)["devices"]["devices"][0]["fields"][0]["name"].Text(), "ticks");
  Json page = (*json)["pages"][2];
  EXPECT_EQ(page["kind"].Text(), "normal");
  EXPECT_EQ(page["block"].Text(), "rom");
  auto offset = static_cast<size_t>(page["content"]["offset"].Integer().value_or(0));
  EXPECT_EQ(("marker" + SmallStream().text()).substr(offset, 3), "rrr");
}

// One sentence with the file and the offset, and nothing that could be taken for a result.
TEST_F(StreamToolTest, DamagedFileIsOneSentence) {
  std::string whole = SmallStream().text();
  Write(whole.substr(0, whole.size() / 2));
  EXPECT_EQ(Run("--json " + path_), 1);
  EXPECT_EQ(Output(), "");
  EXPECT_THAT(Errors(), AllOf(HasSubstr("tandem-stream: " + path_), HasSubstr("at offset 0x")));
  Write("nothing that QEMU wrote");
  EXPECT_EQ(Run(path_), 1);
  EXPECT_THAT(Errors(), HasSubstr("at offset 0x0"));
  EXPECT_EQ(Run(scratch_->File("absent")), 1);
  EXPECT_THAT(Errors(), HasSubstr("No such file"));
}

TEST_F(StreamToolTest, WrongArgumentsAreRefused) {
  for (const char* arguments : {"", "--offset=ten saved", "--xml saved", "one two"}) {
    EXPECT_EQ(Run(arguments), 2) << arguments;
    EXPECT_THAT(Errors(), HasSubstr("--help")) << arguments;
  }
  EXPECT_EQ(Run("--help"), 0);
  EXPECT_THAT(Output(), HasSubstr("Exit codes: 0 the stream is whole"));
}

// What could not be printed is no success.
TEST_F(StreamToolTest, FullDiskIsAnError) {
  Write(SmallStream().text());
  EXPECT_EQ(Run(path_ + " >/dev/full"), 1);
  EXPECT_THAT(Errors(), HasSubstr("standard output cannot be written"));
}

}  // namespace
}  // namespace tandem
