// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kCatalogue[] =
    "# Catalogue\n| word | meaning |\n\n"
    "## A. First\n| id | scenario | must show |\n|---|---|---|\n"
    "| A1 | one | ok |\n| A2 | two, with `code` | ok |\n"
    "## Words\nno table\n"
    "## I. Second\n| I1–I8 | many | ok |\n";

Json Line(const std::string& text) { return Json::Parse(text).value(); }

// A schema with the capabilities "events" and "xbzrle" only.
BinaryFacts FactsWithTwoCapabilities() {
  BinaryFacts facts;
  facts.version = "11.1.3";
  facts.schema = QmpSchema(Line(R"([
    {"name":"migrate-set-capabilities","meta-type":"command","arg-type":"1"},
    {"name":"1","meta-type":"object","members":[{"name":"capabilities","type":"2"}]},
    {"name":"2","meta-type":"array","element-type":"3"},
    {"name":"3","meta-type":"object","members":[{"name":"capability","type":"4"}]},
    {"name":"4","meta-type":"enum","values":["events","xbzrle"]}])"));
  return facts;
}

TEST(CatalogueTest, FindsRowsBelowTheirSections) {
  std::vector<CatalogueSection> sections = ParseCatalogue(kCatalogue);
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[0].title, "A. First");
  ASSERT_EQ(sections[0].rows.size(), 2U);
  EXPECT_EQ(sections[0].rows[1].scenario, "two, with `code`");
  EXPECT_EQ(sections[1].rows[0].id, "I1–I8");
}

// Variants are counted below the name that they share.
TEST(CoverageTest, JoinsRowsWithTests) {
  Coverage coverage =
      JoinCoverage(ParseCatalogue(kCatalogue), {{"P/T.One/X", {"A1"}}, {"P/T.One/Y", {"A1", "A2"}}},
                   {.planned = {{"I1–I8", "later"}}, .partial = {{"A2", "TLS"}}});
  EXPECT_THAT(coverage.problems, IsEmpty());
  EXPECT_THAT(RenderCoverage(coverage, std::nullopt), HasSubstr("| T.One<br>not yet: TLS |"));
  EXPECT_THAT(coverage.tests["A1"], ElementsAre(Pair("T.One", 2)));
  EXPECT_THAT(RenderCoverage(coverage, std::nullopt), HasSubstr("| A1 | one | T.One × 2 |"));
  EXPECT_THAT(RenderCoverage(coverage, std::nullopt),
              HasSubstr("| I1–I8 | many | planned: later |"));
}

// A row without a test, a test without a row, an unknown row, a plan that was carried out.
TEST(CoverageTest, TellsWhatDoesNotFit) {
  Coverage coverage = JoinCoverage(ParseCatalogue(kCatalogue),
                                   {{"T.Silent", {}}, {"T.Wrong", {"Z9"}}, {"T.Right", {"A1"}}},
                                   {.planned = {{"A1", "later"}, {"Q1", "never"}}});
  EXPECT_THAT(coverage.problems, UnorderedElementsAre(HasSubstr("T.Silent names no row"),
                                                      HasSubstr("row Z9 is not in"),
                                                      "row A2 has no test", "row I1–I8 has no test",
                                                      "row A1 has a test and is no longer planned",
                                                      "there is no row Q1 to decide on"));
}

// All tests of a row skipped, and a capability that no test switched on, unless decided.
TEST(CoverageTest, TellsWhatARunDidNotTouch) {
  Coverage coverage = JoinCoverage(ParseCatalogue(kCatalogue), {{"T.A", {"A1", "A2"}}}, {});
  std::vector<Json> results = {
      Line(
          R"({"scenarios":["A1"],"status":"SKIPPED","reason":"no KVM","versions":{"s":"11.1.3"}})"),
      Line(R"({"scenarios":["A2"],"status":"PASSED","versions":{"s":"11.1.3"},)"
           R"("exercised":{"capabilities":["events"]}})"),
      Line(R"({"scenarios":["A1"],"status":"PASSED","versions":{"s":"7.2.22"}})")};
  absl::StatusOr<RunCoverage> run = JoinRun(coverage, results, FactsWithTwoCapabilities());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(run->problems, Contains("row A1: every test was skipped: no KVM"));
  EXPECT_THAT(run->problems, Contains("capabilities: no test used xbzrle"));
  EXPECT_THAT(run->untouched["capabilities"], ElementsAre("xbzrle"));
  coverage.decisions.not_here["A1"] = "KVM only";
  coverage.decisions.untouched["capabilities"]["xbzrle"] = "reason";
  coverage.decisions.untouched["transports"]["exec"] = "reason";
  run = JoinRun(coverage, results, FactsWithTwoCapabilities());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(run->problems, IsEmpty());
  EXPECT_THAT(run->skipped, ElementsAre(Key("A1")));
  EXPECT_THAT(RenderCoverage(coverage, *run), HasSubstr("- A1: KVM only (no KVM)"));
}

// Results of another version prove nothing about this one.
TEST(CoverageTest, WantsResultsOfThisVersion) {
  EXPECT_EQ(JoinRun({}, {Line(R"({"versions":{"s":"7.2.22"}})")}, FactsWithTwoCapabilities())
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(CoverageTest, DecisionsAreChecked) {
  EXPECT_TRUE(CoverageDecisions::Parse(R"({"planned":{"A1":"x"}})").ok());
  EXPECT_EQ(CoverageDecisions::Parse(R"({"plan":{}})").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tandem
