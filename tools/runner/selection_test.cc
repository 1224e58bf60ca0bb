// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/selection.h"

#include <gmock/gmock.h>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(MatchesFilterTest, IsGoogleTestsFilter) {
  for (const char* filter :
       {"*", "", "A.B", "A.*", "?.B", "X:A.B", "A*B", "**", "-C.*", "A.*-A.C:D"}) {
    EXPECT_TRUE(MatchesFilter(filter, "A.B")) << filter;
  }
  for (const char* filter : {"A", "A.", "?B", "X:Y", "-A.B", "*-A.*", "A.*-C:*B", "a.b", "A.B?"}) {
    EXPECT_FALSE(MatchesFilter(filter, "A.B")) << filter;
  }
  EXPECT_TRUE(MatchesFilter("*aab", "aaab"));
  EXPECT_FALSE(MatchesFilter("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));  // in no time
}

PlannedTest Test(const std::string& family, const std::string& test, const char* label = nullptr) {
  PlannedTest planned{
      .id = family + "." + test, .family = family, .test = test, .labels = {family}};
  if (label != nullptr) planned.labels.emplace_back(label);
  return planned;
}

std::vector<std::string> Chosen(const Selection& selection) {
  auto chosen = SelectTests({Test("colo", "C.A"), Test("colo", "C.B", "slow"),
                             Test("tls", "T.A", "q35"), Test("tls", "T.B", "disabled")},
                            selection);
  if (!chosen.ok()) return {Message(chosen.status())};
  std::vector<std::string> ids;
  for (const PlannedTest& test : *chosen) ids.push_back(test.id);
  return ids;
}

TEST(SelectTestsTest, JoinsFiltersAndLabels) {
  EXPECT_THAT(Chosen({}), ElementsAre("colo.C.A", "tls.T.A"));
  EXPECT_THAT(Chosen({.labels = {"colo"}}), ElementsAre("colo.C.A"));
  EXPECT_THAT(Chosen({.labels = {"colo", "slow"}}), ElementsAre("colo.C.A", "colo.C.B"));
  EXPECT_THAT(Chosen({.labels = {"colo", "q35"}}), ElementsAre("colo.C.A", "tls.T.A"));
  EXPECT_THAT(Chosen({.filters = {"C.*"}}), ElementsAre("colo.C.A", "colo.C.B"));
  EXPECT_THAT(Chosen({.filters = {"C.*"}, .excluded_labels = {"slow"}}), ElementsAre("colo.C.A"));
  EXPECT_THAT(Chosen({.filters = {"*.B", "tls.*"}}), ElementsAre("colo.C.B", "tls.T.A"));
  EXPECT_THAT(Chosen({.ids = {{"colo.C.B"}}}), ElementsAre("colo.C.B"));
  EXPECT_THAT(Chosen({.filters = {"T.B"}}), ElementsAre(HasSubstr("nothing is left of 4 tests")));
  EXPECT_THAT(Chosen({.filters = {"*", "X"}}), ElementsAre(HasSubstr("the filter 'X'")));
  EXPECT_THAT(Chosen({.excluded_labels = {"x"}}), ElementsAre(HasSubstr("the label 'x'")));
}

// Whatever did not end well, and whatever the run never came to.
TEST(FailedTestsTest, AreAllThatDidNotPass) {
  RunRecord run{.info = {.tests = {"a", "b", "c", "d"}},
                .records = {{.id = "a", .status = TestStatus::kFailed},
                            {.id = "a", .attempt = 2, .status = TestStatus::kPassed},
                            {.id = "b", .status = TestStatus::kPassed},
                            {.id = "c", .status = TestStatus::kSkipped}}};
  EXPECT_THAT(FailedTestsOf(run).value(), ElementsAre("a", "d"));
  run.info.tests = {"b", "c"};
  run.records.erase(run.records.begin(), run.records.begin() + 2);
  EXPECT_THAT(Message(FailedTestsOf(run).status()), HasSubstr("no test failed"));
}

}  // namespace
}  // namespace tandem
