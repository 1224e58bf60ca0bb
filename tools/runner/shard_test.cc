// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/shard.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<PlannedTest> Tests(const TestTimes& times) {
  std::vector<PlannedTest> tests;
  for (const auto& [id, seconds] : times) {
    std::string family = id.substr(0, id.find('.'));
    tests.push_back({.id = id, .family = family, .cores = family == "colo" ? 2.0 : 1.0});
  }
  return tests;
}

// The suites as they took on two cores, with all that they have of long and short tests.
TestTimes RecordedTimes() { return BuiltInTimes(); }

// A thousand tests from a hundredth of a second to two minutes, most of them short.
TestTimes ThousandTimes() {
  std::mt19937 random(1);
  std::lognormal_distribution<double> seconds(0, 1.5);
  TestTimes times;
  for (int i = 0; i < 1000; ++i) {
    times[fmt::format("f{}.T.{}", i % 7, i)] = std::clamp(seconds(random), 0.01, 120.0);
  }
  return times;
}

// How much longer the longest shard takes than the shortest.
double Spread(const TestTimes& times, int64_t count) {
  std::vector<PlannedTest> tests = Tests(times);
  std::vector<int64_t> shards = AssignShards(tests, times, count);
  std::vector<double> loads(static_cast<size_t>(count), 0);
  for (size_t i = 0; i < tests.size(); ++i) {
    loads[static_cast<size_t>(shards[i]) - 1] += times.at(tests[i].id) * tests[i].cores;
  }
  auto [shortest, longest] = std::minmax_element(loads.begin(), loads.end());
  return *longest / *shortest - 1;
}

std::string ErrorOf(std::string_view text) { return Message(ParseShard(text).status()); }

TEST(ShardTest, IsWrittenAsTwoNumbers) {
  auto shard = ParseShard("2/3");
  ASSERT_TRUE(shard.ok());
  EXPECT_EQ(shard->index, 2);
  EXPECT_EQ(shard->count, 3);
  EXPECT_TRUE(ParseShard("1/1").ok());
  EXPECT_THAT(ErrorOf("0/3"), HasSubstr("numbered from 1 to 3; where an engine counts from 0"));
  EXPECT_THAT(ErrorOf("4/3"), HasSubstr("shard 4/3: shards are numbered from 1 to 3"));
  EXPECT_THAT(ErrorOf("1/0"), HasSubstr("the number of shards is from 1"));
  EXPECT_THAT(ErrorOf("1/99999999"), HasSubstr("the number of shards is from 1 to 10000"));
  for (const char* text : {"a/b", "", "/", "1/", "/3", "1", "1/3/5", " 1/3", "1.5/3", "1/3 "}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("such as 2/3")) << text;
  }
}

TEST(ShardTest, ShardsEndTogether) {
  for (int64_t count : {2, 3, 5, 10}) {
    EXPECT_LE(Spread(RecordedTimes(), count), 0.15) << count;
    EXPECT_LE(Spread(ThousandTimes(), count), 0.15) << count;
  }
}

TEST(ShardTest, EachTestIsInOneShard) {
  std::vector<PlannedTest> tests = Tests(RecordedTimes());
  std::multiset<std::string> all, split;
  for (const PlannedTest& test : tests) all.insert(test.id);
  for (int64_t index = 1; index <= 7; ++index) {
    for (const PlannedTest& test : TestsOfShard(tests, RecordedTimes(), {index, 7})) {
      split.insert(test.id);
    }
  }
  EXPECT_EQ(all, split);
}

// Another machine lists the tests in another order, and knows other times of its own.
TEST(ShardTest, IsTheSameOnEveryMachine) {
  std::vector<PlannedTest> here = Tests(ThousandTimes()), there = here;
  std::shuffle(there.begin(), there.end(), std::mt19937(2));
  for (PlannedTest& test : there) test.expected_seconds = 100;
  std::set<std::string> ids, ids_there;
  for (const auto& test : TestsOfShard(here, RecordedTimes(), {2, 3})) ids.insert(test.id);
  for (const auto& test : TestsOfShard(there, RecordedTimes(), {2, 3})) ids_there.insert(test.id);
  EXPECT_EQ(ids, ids_there);
  EXPECT_GE(ids.size(), 333u);  // unknown ones all weigh the same
}

// One of an unknown test's family says more of it than all others.
TEST(ShardTest, UnknownTestsAreAsTheirFamily) {
  std::vector<PlannedTest> tests = {{.id = "a.1", .family = "a"}, {.id = "a.2", .family = "a"},
                                    {.id = "b.1", .family = "b"}, {.id = "b.2", .family = "b"},
                                    {.id = "b.3", .family = "b"}, {.id = "c.1", .family = "c"}};
  TestTimes times = {{"a.1", 100}, {"b.1", 1}, {"b.2", 1}};
  EXPECT_THAT(AssignShards(tests, times, 2), ElementsAre(1, 2, 1, 2, 1, 2));
}

TEST(ShardTest, MorePairsOfAMatrixTakeAsLong) {
  std::vector<PlannedTest> tests = {{.id = "7.2:11.1/a.1", .pair = "7.2:11.1"}, {.id = "a.2"}};
  EXPECT_THAT(AssignShards(tests, {{"a.1", 5}, {"a.2", 1}}, 2), ElementsAre(1, 2));
  EXPECT_THAT(AssignShards(tests, {{"a.1", 1}, {"a.2", 5}}, 2), ElementsAre(2, 1));
}

TEST(ShardTest, ShardsMayBeEmpty) {
  EXPECT_THAT(TestsOfShard({{.id = "a"}}, {}, {2, 3}), IsEmpty());
  EXPECT_THAT(AssignShards({}, {}, 3), IsEmpty());
}

// Times come from what was run to its end, however often.
TEST(TestTimesTest, AreMediansOfARun) {
  std::vector<TestRecord> records = {
      {.id = "a", .status = TestStatus::kPassed, .seconds = 3},
      {.id = "a", .status = TestStatus::kFailed, .seconds = 2},
      {.id = "a", .status = TestStatus::kPassed, .seconds = 100},
      {.id = "b", .status = TestStatus::kTimedOut, .seconds = 120},
  };
  EXPECT_THAT(TimesOf(records), ElementsAre(Pair("a", 3)));
}

TEST(TestTimesTest, AreReadAsTheyWereWritten) {
  auto folder = ScratchDirectory::Create();
  std::string path = (*folder)->path() + "/times.tsv";
  TestTimes times = {{"precopy.P.T/Pc", 0.25}, {"tests/with a\ttab", 120}};
  ASSERT_TRUE(WriteTimes(path, times).ok());
  auto read = ReadTimes(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, times);
  EXPECT_THAT(Message(ReadTimes(path + "x").status()), HasSubstr("no file of times " + path));
  for (const char* line : {"a", "a\t", "\t1", "a\t1 s", "a\tnan", "a\t-1", "a 1"}) {
    ASSERT_TRUE(WriteTextFile(path, std::string("# times\nb\t1\n") + line + "\n").ok());
    EXPECT_THAT(Message(ReadTimes(path).status()), HasSubstr(path + ":3: not the id")) << line;
  }
}

}  // namespace
}  // namespace tandem
