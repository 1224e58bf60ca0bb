// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/report/evidence.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class SummaryTest : public ::testing::Test {
 protected:
  SummaryTest() {
    evidence_ = {.test_name = "Suite.Test",
                 .failures = {"file.cc:7\nValue of: survivor()\n  Actual: stale", "file.cc:9\nx"},
                 .recording = &recording_};
    evidence_.machines = {{.role = "primary", .process_state = "ended with signal 6 (SIGABRT)"},
                          {.role = "secondary",
                           .process_state = "running with pid 17",
                           .last_answers = {{"query-status", R"({"status": "paused"})"},
                                            {"query-migrate", R"({"status": "colo"})"},
                                            {"query-colo-status", "timed out"}},
                           .oracle_report = "3 pages are stale by one generation\npage 0x1 …"}};
    recording_.Append("secondary", EntryKind::kQmpEvent, R"({"event":"STOP"})");
    recording_.Append("test", EntryKind::kNote, "failing over");
  }

  std::vector<std::string> Lines(size_t count) const {
    return SplitLines(SummarizeEvidence("/out/Suite.Test", evidence_, count));
  }

  Recording recording_;
  TestEvidence evidence_;
};

// Failure, machines, oracle, last events, and where the rest is, in this order.
TEST_F(SummaryTest, HoldsTheEssence) {
  EXPECT_THAT(
      Lines(10),
      ElementsAre("Suite.Test: Value of: survivor();   Actual: stale (file.cc:7) (and 1 more)",
                  "primary: ended with signal 6 (SIGABRT); no event",
                  AllOf(StartsWith("secondary: running with pid 17, run state paused, migration "
                                   "colo, COLO unknown; last event STOP at "),
                        HasSubstr(" ms")),
                  "oracle on secondary: 3 pages are stale by one generation",
                  HasSubstr("ms secondary * STOP"), HasSubstr("ms test note failing over"),
                  "evidence: /out/Suite.Test", "replay: /out/Suite.Test/reproduce.sh"));
}

// With less room the events go first, then the machines; where the rest is, stays.
TEST_F(SummaryTest, KeepsTheLimit) {
  EXPECT_THAT(Lines(7), SizeIs(7));
  EXPECT_THAT(Lines(3), ElementsAre(StartsWith("Suite.Test: "), StartsWith("evidence: "),
                                    StartsWith("replay: ")));
  EXPECT_THAT(Lines(1), ElementsAre(StartsWith("evidence: ")));
}

// A test that failed before it had a recording or a machine is summarized as well.
TEST_F(SummaryTest, NeedsNothing) {
  evidence_ = {.test_name = "Suite.Test"};
  EXPECT_THAT(Lines(10), ElementsAre("Suite.Test: no failure was reported", StartsWith("evidence"),
                                     StartsWith("replay")));
}

}  // namespace
}  // namespace tandem
