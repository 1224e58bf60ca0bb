// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_record.h"

#include <gmock/gmock.h>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunRecordTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = ScratchDirectory::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    folder_ = std::move(*made);
  }
  const std::string& folder() const { return folder_->path(); }
  std::string ReadError() { return Message(ReadRun(folder()).status()); }

 private:
  std::unique_ptr<ScratchDirectory> folder_;
};

TEST_F(RunRecordTest, IsReadAsItWasWritten) {
  RunInfo info{.started = "2026-01-02T03:04:05.678Z",
               .command = {"tandem", "run"},
               .host = {{"cpus", "2"}},
               .qemu = {{"11.1", "11.1.3"}},
               .jobs = 2,
               .seed = 7,
               .shard_index = 2,
               .shard_count = 3,
               .tests = {"a.A.B"},
               .all_tests = {"a.A.B", "a.A.C"}};
  ASSERT_TRUE(WriteRunInfo(folder(), info).ok());
  TestRecord record{.id = "a.A.B",
                    .family = "a",
                    .attempt = 2,
                    .status = TestStatus::kTimedOut,
                    .reason = "too slow",
                    .fingerprint = "f",
                    .seconds = 1.5,
                    .output = "tests/a.A.B"};
  ASSERT_TRUE(AppendRecord(folder(), record).ok());
  auto run = ReadRun(folder());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(run->info.all_tests, ElementsAre("a.A.B", "a.A.C"));
  EXPECT_EQ(run->info.host["cpus"], "2");
  EXPECT_EQ(run->info.shard_count, 3);
  ASSERT_EQ(run->records.size(), 1u);
  EXPECT_EQ(run->records[0].status, TestStatus::kTimedOut);
  EXPECT_EQ(ToJson(run->records[0]).Dump(), ToJson(record).Dump());
}

// What the test wrote stays; where the runner knows better, it says so.
TEST_F(RunRecordTest, KeepsTheTestsOwnMembers) {
  TestRecord record{.id = "a.A.B", .status = TestStatus::kCrashed};
  record.line = *Json::Parse(R"({"status":"PASSED","machine_type":"pc","newer":1})");
  Json line = ToJson(record);
  EXPECT_EQ(line["machine_type"].Text(), "pc");
  EXPECT_EQ(line["newer"].Integer(), 1);
  EXPECT_EQ(line["status"].Text(), "CRASHED");
}

// A run that was killed in the middle of a line is read up to there.
TEST_F(RunRecordTest, LeavesOutAHalfLine) {
  ASSERT_TRUE(WriteRunInfo(folder(), {}).ok());
  ASSERT_TRUE(AppendRecord(folder(), {.id = "a.A.B"}).ok());
  std::string path = folder() + "/results.jsonl";
  ASSERT_TRUE(WriteTextFile(path, ReadTextFile(path) + R"({"id":"a.A)").ok());
  auto run = ReadRun(folder());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->records.size(), 1u);
}

TEST_F(RunRecordTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(ReadError(), HasSubstr(folder() + " holds no run of tandem"));
  ASSERT_TRUE(WriteTextFile(folder() + "/run.json", "{").ok());
  EXPECT_THAT(ReadError(), HasSubstr("run.json: "));
  ASSERT_TRUE(WriteTextFile(folder() + "/run.json", R"({"schema":99})").ok());
  EXPECT_THAT(ReadError(), HasSubstr("run.json: its schema is not 1"));
  ASSERT_TRUE(WriteRunInfo(folder(), {}).ok());
  ASSERT_TRUE(WriteTextFile(folder() + "/results.jsonl", "{\"test\":\"A.B\"}\n").ok());
  EXPECT_THAT(ReadError(), HasSubstr("results.jsonl:1: no line of a run's results"));
}

}  // namespace
}  // namespace tandem
