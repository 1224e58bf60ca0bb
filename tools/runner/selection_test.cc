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
    EXPECT_TRUE(MatchesFilter(filter, {"A.B"})) << filter;
  }
  for (const char* filter : {"A", "A.", "?B", "X:Y", "-A.B", "*-A.*", "A.*-C:*B", "a.b", "A.B?"}) {
    EXPECT_FALSE(MatchesFilter(filter, {"A.B"})) << filter;
  }
  EXPECT_TRUE(MatchesFilter("*aab", {"aaab"}));
  EXPECT_FALSE(MatchesFilter("*a*a*a*a*a*a*a*a*b", {std::string(5000, 'a')}));  // in no time
}

PlannedTest Planned(const std::string& family, const std::string& test,
                    const char* label = nullptr) {
  PlannedTest planned{
      .id = family + "." + test, .family = family, .test = test, .labels = {family}};
  if (label != nullptr) planned.labels.emplace_back(label);
  return planned;
}

std::vector<std::string> Chosen(const Selection& selection) {
  auto chosen = SelectTests({Planned("colo", "C.A"), Planned("colo", "C.B", "slow"),
                             Planned("tls", "T.A", "q35"), Planned("tls", "T.B", "disabled")},
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
  EXPECT_THAT(Chosen({.filters = {"-colo.*"}}), ElementsAre("tls.T.A"));
  EXPECT_THAT(Chosen({.filters = {"*-C.*"}}), ElementsAre("tls.T.A"));
  EXPECT_THAT(Chosen({.ids = {{"colo.C.B"}}}), ElementsAre("colo.C.B"));
  EXPECT_THAT(Chosen({.filters = {"T.B"}}), ElementsAre(HasSubstr("nothing is left of 4 tests")));
  EXPECT_THAT(Chosen({.filters = {"*", "X"}}), ElementsAre(HasSubstr("the filter 'X'")));
  EXPECT_THAT(Chosen({.excluded_labels = {"x"}}), ElementsAre(HasSubstr("the label 'x'")));
}

// An id is pasted as it was printed, and a pair is named as in the table.
TEST(SelectTestsTest, TakesIdsAndPairs) {
  std::vector<PlannedTest> tests;
  for (const char* pair : {"7.2:11.1", "11.1:7.2", "my-build:11.1"}) {
    tests.push_back(Planned("a", "A.B"));
    tests.back().pair = pair;
    tests.back().id = std::string(pair) + "/a.A.B";
  }
  tests.push_back(Planned("testcase", "kvm-unit/dirty-log.test"));
  auto count = [&](const std::string& filter) {
    auto chosen = SelectTests(tests, {.filters = {filter}});
    return chosen.ok() ? chosen->size() : 0;
  };
  for (const PlannedTest& test : tests) EXPECT_EQ(count(test.id), 1) << test.id;
  for (const char* one : {"7.2:11.1/*", "11.1:7.2/*.B", "my-build:11.1/*-*.C", "X:7.2:11.1/*"}) {
    EXPECT_EQ(count(one), 1) << one;
  }
  EXPECT_EQ(count("7.2:11.1/*:11.1:7.2/*"), 2);
  EXPECT_EQ(count("*.B-7.2:11.1/*"), 2);
  EXPECT_EQ(count("7.2:11.1/*.C"), 0);
  EXPECT_EQ(count("10.0:11.1/*"), 0);
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
