// SPDX-License-Identifier: Apache-2.0
// How `tandem run` fares when nobody listens to it, and when its folder cannot take its results.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tools/runner/testing/tandem_run.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

namespace fs = std::filesystem;

class RunUnheardTest : public TandemRunTest, public ::testing::WithParamInterface<const char*> {};

// The run goes on, and its exit code and its report are those of any run.
TEST_P(RunUnheardTest, GoesOn) {
  StartByShell(GetParam());
  EXPECT_EQ(Run({"--filter", "*.Passes:*.Skips", "--jobs", "1"}), 0);
  EXPECT_THAT(Latest().records, SizeIs(2));
  EXPECT_TRUE(fs::exists(results() + "/latest/report.html"));
  EXPECT_EQ(Run({"--filter", "*.Passes:*.Fails", "--jobs", "1"}), 1);
  EXPECT_THAT(Latest().records, SizeIs(2));
}

std::string NameOfManner(const ::testing::TestParamInfo<const char*>& manner) {
  const char* names[] = {"OutputPipe", "BothPipes", "Closed", "Full"};
  return names[manner.index];
}

INSTANTIATE_TEST_SUITE_P(, RunUnheardTest,
                         ::testing::Values(R"("$@" | true; exit ${PIPESTATUS[0]})",
                                           R"("$@" 2>&1 | true; exit ${PIPESTATUS[0]})",
                                           R"(exec "$@" <&- >&- 2>&-)",
                                           R"(exec "$@" >/dev/full 2>&1)"),
                         NameOfManner);

class RunSignalTest : public TandemRunTest {};

// As in the background of a script, where the shell ignores Ctrl-C; SIGTERM is meant all the same.
TEST_F(RunSignalTest, SigtermEndsWhatIgnoresSignals) {
  StartByShell(R"(trap '' INT HUP TERM; exec "$@")");
  ASSERT_NO_FATAL_FAILURE(Start({"--filter", "*.Hangs", "--timeout", "500"}));
  AwaitFile(results() + "/latest/tests/scripted.Scripted.Hangs/stdout.txt");
  EXPECT_TRUE(child_->Signal(SIGINT).ok());
  EXPECT_TRUE(child_->Signal(SIGHUP).ok());
  EXPECT_TRUE(child_->Signal(SIGTERM).ok());
  EXPECT_EQ(Finish(), 143);
  EXPECT_EQ(Latest().info.interrupted, "SIGTERM");
}

class RunLossTest : public TandemRunTest {};

TEST_F(RunLossTest, AFullDiskHasNoReport) {
  EXPECT_EQ(Run({"--filter", "*.FillsReport"}), 1);
  EXPECT_THAT(Output(),
              AllOf(HasSubstr("1 passed"), HasSubstr("report.html"),
                    HasSubstr("No space left on device"), HasSubstr("make room"),
                    HasSubstr("tandem report " + results()), Not(HasSubstr("report: /"))));
  EXPECT_FALSE(fs::exists(results() + "/latest/report.html"));
  EXPECT_FALSE(fs::exists(results() + "/latest/report.html.new"));
}

// The counts are of what was seen, and the report too.
TEST_F(RunLossTest, ResultsThatCannotBeWrittenAreNamed) {
  EXPECT_EQ(Run({"--filter", "*.BlocksResults"}), 1);
  EXPECT_THAT(Output(),
              AllOf(HasSubstr("1 passed"), HasSubstr("results were lost: "),
                    HasSubstr("/results.jsonl"), HasSubstr("another folder with --output")));
  EXPECT_THAT(ReadTextFile(results() + "/latest/report.html"), HasSubstr("BlocksResults"));
}

TEST_F(RunLossTest, AFolderThatGoesAwayIsTold) {
  EXPECT_EQ(Run({"--filter", "*.Passes:*.RemovesRun", "--jobs", "1"}), 1);
  EXPECT_THAT(Output(), AllOf(HasSubstr("2 passed"), HasSubstr("results were lost: "),
                              HasSubstr("was removed while the run went on"),
                              HasSubstr("another folder with")));
}

// It may be a run that somebody keeps.
TEST_F(RunLossTest, LatestThatIsNoLinkIsLeftAlone) {
  fs::create_directories(results() + "/latest/kept");
  EXPECT_EQ(Run({"--filter", "*.Passes"}), 2);
  EXPECT_THAT(Output(), AllOf(HasSubstr(results() + "/latest is no link to a run"),
                              HasSubstr("another folder with --output")));
  EXPECT_EQ(std::distance(fs::directory_iterator(results()), {}), 1) << "it made a folder";
  EXPECT_TRUE(fs::exists(results() + "/latest/kept"));
}

}  // namespace
}  // namespace tandem
