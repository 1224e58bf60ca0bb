// SPDX-License-Identifier: Apache-2.0
// Shards of `tandem run`, and `tandem merge` of their results.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "tools/runner/testing/tandem_run.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class ShardsRunTest : public TandemRunTest {
 protected:
  std::string ShardFolder(int index) const {
    return scratch_->File("shard" + std::to_string(index));
  }
  std::string merged() const { return scratch_->File("merged"); }

  int RunShard(int index, const std::vector<std::string>& choice) {
    std::vector<std::string> arguments = {"run", "--output", ShardFolder(index), "--shard",
                                          std::to_string(index) + "/3"};
    arguments.insert(arguments.end(), choice.begin(), choice.end());
    return RunTandem(arguments);
  }
  int Merge(const std::vector<int>& shards) {
    std::vector<std::string> arguments = {"merge", "--output", merged()};
    for (int index : shards) arguments.push_back(ShardFolder(index));
    return RunTandem(arguments);
  }
  std::multiset<std::string> Lines() const {
    std::multiset<std::string> lines;
    for (const std::string& line : SplitLines(Output())) lines.insert(line);
    return lines;
  }
  static std::multiset<std::string> IdsOf(const RunRecord& run) {
    std::multiset<std::string> ids;
    for (const TestRecord& record : run.records) ids.insert(record.id);
    return ids;
  }
};

const std::vector<std::string> kScripted = {
    "--suites", TANDEM_SCRIPTED, "--filter",
    "*.Passes:*.Fails:*.Skips:*.KnownDefect:*.Narrow*:*.Segfaults"};

// Every test of the real suites is in one shard.
TEST_F(ShardsRunTest, TheSuitesAreSplitIntoThree) {
  ASSERT_EQ(RunTandem({"run", "--list"}), 0) << Output();
  std::multiset<std::string> all = Lines(), split;
  ASSERT_GT(all.size(), 10u);
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    ASSERT_EQ(RunTandem({"run", "--list", "--shard", shard}), 0) << Output();
    split.merge(Lines());
  }
  EXPECT_EQ(all, split);
}

TEST_F(ShardsRunTest, MergedShardsHaveEachTestOnce) {
  for (int index : {1, 2, 3}) RunShard(index, kScripted);
  EXPECT_EQ(Merge({3, 1, 2}), 1) << "some fail: " << Output();
  EXPECT_THAT(Output(), AllOf(HasSubstr("5 passed, 1 skipped, 1 known defect, 1 failed, 1 crashed"),
                              Not(HasSubstr("tandem merge: "))));
  RunRecord run = ReadRun(merged()).value();
  std::multiset<std::string> expected(run.info.tests.begin(), run.info.tests.end());
  EXPECT_EQ(IdsOf(run), expected);
  EXPECT_THAT(expected, SizeIs(9));
  for (const TestRecord& record : run.records) {
    EXPECT_TRUE(std::filesystem::exists(merged() + "/" + record.output + "/stdout.txt"))
        << record.id;
  }
  EXPECT_THAT(ReadTextFile(merged() + "/junit.xml"), HasSubstr("tests=\"9\" failures=\"1\""));
}

// Real machines, as few as there can be.
TEST_F(ShardsRunTest, RealTestsComeTogetherAgain) {
  std::vector<std::string> choice = {
      "--filter",
      "*PrecopyTest.StoppedGuestMovesOverTcp/*:*PrecopyTest.LiveGuestMovesOverUnixSocket/Pc"};
  int shards = 0;
  for (int index : {1, 2, 3}) shards += RunShard(index, choice) == 0 ? 1 : 0;
  ASSERT_EQ(shards, 3) << Output();
  EXPECT_EQ(Merge({1, 2, 3}), 0) << Output();
  RunRecord run = ReadRun(merged()).value();
  std::multiset<std::string> expected(run.info.tests.begin(), run.info.tests.end());
  EXPECT_EQ(IdsOf(run), expected);
}

TEST_F(ShardsRunTest, AMissingShardFailsTheMerge) {
  for (int index : {1, 3}) RunShard(index, kScripted);
  EXPECT_EQ(Merge({1, 3}), 1);
  EXPECT_THAT(Output(), HasSubstr("tandem merge: shard 2/3 missing, not run: scripted.Scripted."));
}

TEST_F(ShardsRunTest, OtherSelectionsAreRefused) {
  RunShard(1, kScripted);
  RunShard(2, {"--suites", TANDEM_SCRIPTED, "--filter", "*.Narrow*"});
  EXPECT_EQ(Merge({1, 2}), 2);
  EXPECT_THAT(Output(), HasSubstr("are of different selections"));
  EXPECT_FALSE(std::filesystem::exists(merged()));
  EXPECT_EQ(Merge({1, 7}), 2);
  EXPECT_THAT(Output(), HasSubstr(ShardFolder(7) + " holds no run of tandem"));
}

TEST_F(ShardsRunTest, AnEmptyShardIsAnError) {
  EXPECT_EQ(RunShard(2, {"--suites", TANDEM_SCRIPTED, "--filter", "*.Passes"}), 2);
  EXPECT_THAT(Output(), HasSubstr("the shard 2/3 is empty"));
  EXPECT_EQ(RunTandem({"run", "--shard", "0/3"}), 2);
  EXPECT_THAT(Output(), HasSubstr("where an engine counts from 0, add 1"));
}

// All shards can be given times of earlier runs.
TEST_F(ShardsRunTest, TimesComeFromARun) {
  ASSERT_EQ(Run({"--filter", "*.Narrow*"}), 0) << Output();
  std::string times = scratch_->File("times.tsv");
  ASSERT_EQ(RunTandem({"times", results(), "--output", times}), 0) << Output();
  EXPECT_THAT(ReadTextFile(times), HasSubstr("scripted.Scripted.Narrow1\t0."));
  EXPECT_EQ(RunTandem({"run", "--list", "--shard", "1/2", "--times", times, "--suites",
                       TANDEM_SCRIPTED, "--filter", "*.Narrow*"}),
            0);
  EXPECT_EQ(RunTandem({"run", "--list", "--shard", "1/2", "--times", times + "x"}), 2);
  EXPECT_THAT(Output(), HasSubstr("no file of times"));
}

}  // namespace
}  // namespace tandem
