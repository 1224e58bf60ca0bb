// SPDX-License-Identifier: Apache-2.0
#include "lib/report/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <set>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string> LinesOf(const std::string& path) { return SplitLines(ReadTextFile(path)); }

// Every member stands under its documented name; what is empty is absent.
TEST(ResultsTest, WritesTheSchema) {
  TestResult result{.test = "Suite.Test/V",
                    .scenarios = {"A1", "H6"},
                    .status = TestStatus::kFailed,
                    .reason = "it broke",
                    .seconds = 1.5,
                    .started = "2026-01-02T03:04:05.678Z",
                    .phases = {{"boot", 0.25}},
                    .measurements = {{"downtime_ms", 45}, {"periods_ms", Json::Array({1, 2.5})}},
                    .exercised = {{"transports", {"tcp", "unix"}}},
                    .versions = {{"source", "11.1"}},
                    .machine_type = "pc",
                    .accelerator = "tcg",
                    .artifacts = "/a/b"};
  EXPECT_EQ(
      ToJson(result).Dump(),
      R"({"schema":3,"test":"Suite.Test/V","scenarios":["A1","H6"],"status":"FAILED","reason":"it broke",)"
      R"("seconds":1.5,"started":"2026-01-02T03:04:05.678Z","phases":{"boot":0.25},)"
      R"("measurements":{"downtime_ms":45,"periods_ms":[1,2.5]},)"
      R"("exercised":{"transports":["tcp","unix"]},"versions":{"source":"11.1"},"machine_type":"pc","accelerator":"tcg",)"
      R"("artifacts":"/a/b"})");
  EXPECT_EQ(ToJson({.test = "A.B", .status = TestStatus::kSkipped}).Dump(),
            R"({"schema":3,"test":"A.B","status":"SKIPPED","seconds":0.0})");
}

// JSON has no NaN, no infinity and no bytes that are not UTF-8.
TEST(ResultsTest, LeavesOutWhatJsonCannotSay) {
  TestResult result{.test = "A.B",
                    .reason = "bad \xFF byte",
                    .seconds = kInfinity,
                    .phases = {{"boot", std::nan("")}},
                    .measurements = {{"good", 1}, {"bad", Json::Array({1.0, -kInfinity})}},
                    .versions = {{"source", "\xC3"}}};
  EXPECT_EQ(ToJson(result).Dump(),
            "{\"schema\":3,\"test\":\"A.B\",\"status\":\"PASSED\","
            "\"reason\":\"bad \xEF\xBF\xBD byte\",\"measurements\":{\"good\":1},"
            "\"versions\":{\"source\":\"\xEF\xBF\xBD\"}}");
}

// A folder that is missing is made.
TEST(ResultsTest, MakesTheFolder) {
  auto scratch = ScratchDirectory::Create().value();
  std::string path = scratch->File("a/b/results.jsonl");
  ASSERT_TRUE(AppendResult(path, TestResult{.test = "A.B"}).ok());
  EXPECT_EQ(LinesOf(path).size(), 1u);
}

// Who cannot write is told which file it was.
TEST(ResultsTest, ErrorNamesTheFile) {
  EXPECT_THAT(Message(AppendResult("/proc/x/results.jsonl", TestResult{})), HasSubstr("/proc/x"));
  EXPECT_THAT(Message(AppendResult("/proc", TestResult{})), HasSubstr("cannot open /proc"));
  EXPECT_THAT(Message(AppendResult("/dev/full", TestResult{})),
              HasSubstr("cannot append to /dev/full"));
}

// The half line of a writer that was killed spoils no line but its own.
TEST(ResultsTest, BeginsANewLineAfterHalfALine) {
  auto scratch = ScratchDirectory::Create().value();
  std::string path = scratch->File("results.jsonl");
  ASSERT_TRUE(WriteTextFile(path, "{\"schema\":3,\"te").ok());
  ASSERT_TRUE(AppendResult(path, {.test = "A.B"}).ok());
  ASSERT_EQ(LinesOf(path).size(), 2u);
  EXPECT_TRUE(Json::Parse(LinesOf(path)[1]).ok());
}

// Four processes append 1000 long lines each at once; every line is whole and none is missing.
TEST(ResultsTest, ProcessesShareTheFile) {
  auto scratch = ScratchDirectory::Create().value();
  const std::string path = scratch->File("results.jsonl");
  constexpr int kLines = 1000;
  std::vector<pid_t> writers;
  for (int writer = 0; writer < 4; ++writer) {
    pid_t pid = fork();
    if (pid == 0) {
      bool good = true;
      for (int line = 0; line < kLines; ++line) {
        std::string name = fmt::format("Writer.{}/{}", writer, line);
        std::string reason(static_cast<size_t>(line % 100) * 97, 'x');
        good = good && AppendResult(path, {.test = name, .reason = reason}).ok();
      }
      _exit(good ? 0 : 1);
    }
    writers.push_back(pid);
  }
  for (pid_t pid : writers) {
    int status = -1;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  std::set<std::string> tests;
  for (const std::string& line : LinesOf(path)) {
    absl::StatusOr<Json> parsed = Json::Parse(line);
    ASSERT_TRUE(parsed.ok()) << parsed.status() << ": " << line;
    tests.insert((*parsed)["test"].Text());
  }
  EXPECT_EQ(tests.size(), 4u * kLines);
}

}  // namespace
}  // namespace tandem
