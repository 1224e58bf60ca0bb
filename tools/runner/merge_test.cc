// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/merge.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"
#include "tools/runner/failure_groups.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Runs are made by hand, in memory; those of OnDisk() have files, too.
class MergeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = ScratchDirectory::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    folder_ = std::move(*made);
  }

  static TestRecord Passed(const std::string& id) {
    return {.id = id, .family = "a", .status = TestStatus::kPassed, .output = "tests/" + id};
  }
  static TestRecord Failed(const std::string& id, const std::string& reason) {
    TestRecord record = Passed(id);
    record.status = TestStatus::kFailed;
    record.reason = reason;
    return record;
  }

  // A shard of three with tests a.1 … a.6, of which it ran these.
  RunRecord ShardOf(int64_t index, const std::vector<std::string>& ids) const {
    RunRecord run{.folder = path("shard" + std::to_string(index))};
    run.info = {.started = "2026-01-02T03:04:0" + std::to_string(9 - index) + "Z",
                .finished = "2026-01-02T03:05:00Z",
                .host = {{"cpus", "2"}, {"kernel", "6." + std::to_string(index)}},
                .qemu = {{"11.1", "11.1.3"}},
                .seed = 7,
                .shard_index = index,
                .shard_count = 3,
                .tests = ids,
                .all_tests = {"a.1", "a.2", "a.3", "a.4", "a.5", "a.6"}};
    for (const std::string& id : ids) run.records.push_back(Passed(id));
    return run;
  }
  std::vector<RunRecord> ThreeShards() const {
    return {ShardOf(2, {"a.3"}), ShardOf(1, {"a.1", "a.2"}), ShardOf(3, {"a.4", "a.5", "a.6"})};
  }
  // A run of a.1 and a.2, not sharded.
  RunRecord WholeRun(const std::string& name, const std::vector<TestRecord>& records) const {
    return {.folder = path(name),
            .info = {.started = "2026-01-02T03:04:05Z", .finished = "x", .tests = {"a.1", "a.2"}},
            .records = records};
  }

  // Gives each attempt its files.
  void OnDisk(const RunRecord& run) const {
    for (const TestRecord& record : run.records) {
      std::string folder = run.folder + "/" + record.output;
      std::filesystem::create_directories(folder + "/evidence");
      ASSERT_TRUE(WriteTextFile(folder + "/stdout.txt", run.folder + " " + record.id).ok());
      ASSERT_TRUE(WriteTextFile(folder + "/evidence/timeline.txt", "").ok());
      std::filesystem::create_symlink("stdout.txt", folder + "/link");
    }
  }

  static std::string ErrorOf(const std::vector<RunRecord>& runs) {
    return Message(MergeRuns(runs).status());
  }
  std::string path(const std::string& name) const { return folder_->path() + "/" + name; }

 private:
  std::unique_ptr<ScratchDirectory> folder_;
};

TEST_F(MergeTest, ShardsBecomeOneRun) {
  auto merged = MergeRuns(ThreeShards());
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(merged->missing, IsEmpty());
  EXPECT_THAT(merged->info.tests, ElementsAre("a.1", "a.2", "a.3", "a.4", "a.5", "a.6"));
  EXPECT_THAT(merged->records, SizeIs(6));
  EXPECT_EQ(merged->records[2].id, "a.3") << "in the order of the shards";
  EXPECT_EQ(merged->info.shard_count, 1);
  EXPECT_EQ(merged->info.started, "2026-01-02T03:04:06Z");
  EXPECT_EQ(merged->info.host["cpus"], "2");
  EXPECT_EQ(merged->info.host["kernel"], "6.1 | 6.2 | 6.3");
}

TEST_F(MergeTest, WhatDoesNotFitIsRefused) {
  std::vector<RunRecord> shards = ThreeShards();
  shards[1].info.seed = 8;
  EXPECT_THAT(ErrorOf(shards), AllOf(HasSubstr("shard 2/3"), HasSubstr("has the seed 7, but shard "
                                                                       "1/3")));
  shards = ThreeShards();
  shards[2].info.qemu["11.1"] = "11.1.4";
  EXPECT_THAT(ErrorOf(shards), HasSubstr("of QEMU 11.1: 11.1.3, but shard 3/3"));
  shards = ThreeShards();
  shards[0].info.all_tests.pop_back();
  EXPECT_THAT(ErrorOf(shards), HasSubstr("different selections: only the second has a.6"));
  shards = ThreeShards();
  shards[0].info.tests.emplace_back("a.1");
  EXPECT_THAT(ErrorOf(shards), AllOf(HasSubstr("a.1 is in shard"), HasSubstr("same times")));
  shards = ThreeShards();
  shards[0].info.tests.emplace_back("b.1");
  EXPECT_THAT(ErrorOf(shards), HasSubstr("tests that are not of its selection: b.1"));
  shards = ThreeShards();
  shards[0].info.shard_index = 1;
  EXPECT_THAT(ErrorOf(shards), HasSubstr("shard 1/3 is there twice"));
  shards = ThreeShards();
  shards[0].info.shard_count = 4;
  EXPECT_THAT(ErrorOf(shards), HasSubstr("different numbers of shards"));
  EXPECT_THAT(ErrorOf({ShardOf(1, {"a.1"}), WholeRun("w", {})}),
              HasSubstr("merge the shards first"));
  EXPECT_THAT(ErrorOf({WholeRun("w", {}), WholeRun("w", {})}), HasSubstr("is named twice"));
  EXPECT_THAT(ErrorOf({}), HasSubstr("nothing to merge"));
}

// What is there is merged; the rest is named, and NOT_RUN.
TEST_F(MergeTest, AMissingShardIsNamedWithItsTests) {
  auto merged = MergeRuns({ShardOf(1, {"a.1", "a.2"}), ShardOf(3, {"a.4", "a.5", "a.6"})});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(merged->missing, ElementsAre("shard 2/3 missing, not run: a.3"));
  EXPECT_EQ(merged->records.back().id, "a.3");
  EXPECT_EQ(merged->records.back().status, TestStatus::kNotRun);
  EXPECT_THAT(merged->records.back().reason, HasSubstr("shard 2/3 missing"));
}

TEST_F(MergeTest, AnEmptyShardIsMissing) {
  auto merged = MergeRuns({ShardOf(1, {"a.1", "a.2", "a.3"}), ShardOf(2, {"a.4", "a.5", "a.6"})});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(merged->missing, ElementsAre("shard 3/3 missing"));
}

TEST_F(MergeTest, ATestThatNoShardHasIsNamed) {
  std::vector<RunRecord> shards = ThreeShards();
  shards[0].info.tests.clear();
  shards[0].records.clear();
  auto merged = MergeRuns(shards);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(merged->missing, ElementsAre(HasSubstr("no shard has it")));
  EXPECT_THAT(merged->missing, ElementsAre(HasSubstr("a.3")));
}

TEST_F(MergeTest, ATestWithoutAResultIsNamed) {
  std::vector<RunRecord> shards = ThreeShards();
  shards[2].records.pop_back();
  shards[2].info.interrupted = "SIGTERM";
  shards[2].info.finished = "";
  auto merged = MergeRuns(shards);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(merged->missing,
              ElementsAre(AllOf(HasSubstr("shard 3/3"), HasSubstr("no result of a.6: SIGTERM"))));
  EXPECT_EQ(merged->records.back().status, TestStatus::kNotRun);
  EXPECT_THAT(merged->info.interrupted, HasSubstr("SIGTERM"));
  EXPECT_EQ(merged->info.finished, "");
}

// Wherever they lay, and whenever they were.
TEST_F(MergeTest, KilledRunsFailByOneReason) {
  std::vector<RunRecord> runs = {WholeRun("20261121T172445Z", {Passed("a.1")}),
                                 WholeRun("20261122T101010Z-2", {Passed("a.1")})};
  auto merged = MergeRuns(runs);
  ASSERT_TRUE(merged.ok()) << merged.status();
  ASSERT_THAT(merged->records, SizeIs(4));
  EXPECT_THAT(GroupFailures(merged->records), SizeIs(1));
  EXPECT_THAT(merged->missing, ElementsAre(HasSubstr("172445Z has"), HasSubstr("10Z-2 has")));
}

// Repeats of the same tests: all attempts stay, and failures are grouped over all runs.
TEST_F(MergeTest, RepeatsKeepAllAttempts) {
  RunRecord first = WholeRun("1", {Failed("a.1", "timed out after 1 s"), Passed("a.2")});
  first.records.push_back(Passed("a.1"));
  first.records.back().attempt = 2;
  first.records.back().output = "tests/a.1~2";
  RunRecord second = WholeRun("2", {Failed("a.1", "timed out after 3 s"), Passed("a.2")});
  auto merged = MergeRuns({first, second});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_THAT(merged->missing, IsEmpty());
  EXPECT_THAT(merged->info.tests, ElementsAre("a.1", "a.2"));
  ASSERT_THAT(merged->records, SizeIs(5));
  EXPECT_EQ(merged->records[3].attempt, 3);
  EXPECT_EQ(merged->records[3].output, "tests/a.1~3");
  std::vector<FailureGroup> groups = GroupFailures(merged->records);
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_EQ(groups[0].failures, 2);
  EXPECT_EQ(groups[0].tests[0].attempts, 3);
}

TEST_F(MergeTest, EvidenceComesAlong) {
  RunRecord first = WholeRun("1", {Passed("a.1"), Passed("a.2")});
  RunRecord second = WholeRun("2", {Passed("a.1"), Passed("a.2")});
  second.records[0].line =
      *Json::Parse(R"({"artifacts":"tests/a.1/evidence","timeline":"t.json"})");
  OnDisk(first);
  OnDisk(second);
  std::filesystem::remove_all(first.folder + "/tests/a.2");  // to save space
  auto merged = MergeRuns({first, second});
  ASSERT_TRUE(merged.ok()) << merged.status();
  for (OutputTransfer transfer : {OutputTransfer::kCopy, OutputTransfer::kHardLink}) {
    std::string all = path(transfer == OutputTransfer::kCopy ? "copied" : "linked");
    auto written = WriteMergedRun(*merged, all, transfer);
    ASSERT_TRUE(written.ok()) << written.status();
    auto read = ReadRun(all);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_THAT(read->records, SizeIs(4));
    EXPECT_EQ(ReadTextFile(all + "/tests/a.1~2/link"), path("2") + " a.1");
    EXPECT_EQ(read->records[2].line["artifacts"].Text(), "tests/a.1~2/evidence");
    EXPECT_EQ(read->records[2].line["timeline"].Text(), "t.json");
    EXPECT_TRUE(std::filesystem::exists(all + "/tests/a.1~2/evidence/timeline.txt"));
    EXPECT_THAT(ReadTextFile(all + "/junit.xml"), HasSubstr("<testsuites"));
    EXPECT_THAT(ReadTextFile(all + "/report.html"), HasSubstr("a.1"));
    auto links = std::filesystem::hard_link_count(all + "/tests/a.1/stdout.txt");
    EXPECT_EQ(links > 1, transfer == OutputTransfer::kHardLink);
  }
}

TEST_F(MergeTest, ResultsAreNotMixed) {
  auto merged = MergeRuns(ThreeShards());
  ASSERT_TRUE(merged.ok()) << merged.status();
  ASSERT_TRUE(WriteMergedRun(*merged, path("out"), OutputTransfer::kCopy).ok());
  auto again = WriteMergedRun(*merged, path("out"), OutputTransfer::kCopy);
  EXPECT_THAT(Message(again.status()), HasSubstr(path("out") + " is there already"));
  ASSERT_TRUE(WriteTextFile(path("file"), "").ok());
  again = WriteMergedRun(*merged, path("file"), OutputTransfer::kCopy);
  EXPECT_THAT(Message(again.status()), HasSubstr(path("file") + " is there already"));
  again = WriteMergedRun(*merged, path("file") + "/x", OutputTransfer::kCopy);
  EXPECT_THAT(Message(again.status()), HasSubstr("cannot make " + path("file/x")));
}

}  // namespace
}  // namespace tandem
