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
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kCatalogue[] =
    "# Catalogue\n| word | meaning |\n\n"
    "## A. First\n| id | scenario | must show |\n|---|---|---|\n"
    "| A1 | one | ok |\n| A2 | two, with `code` | ok |\n"
    "## Words\nno table\n"
    "## I. Second\nCOLO.\n| id | scenario | must show |\n|---|---|---|\n| I1–I2 | many | ok |\n";

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
  Catalogue catalogue = ParseCatalogue(kCatalogue);
  EXPECT_THAT(catalogue.problems, IsEmpty());
  ASSERT_EQ(catalogue.sections.size(), 2U);
  EXPECT_EQ(catalogue.sections[0].title, "A. First");
  ASSERT_EQ(catalogue.sections[0].rows.size(), 2U);
  EXPECT_EQ(catalogue.sections[0].rows[1].scenario, "two, with `code`");
  EXPECT_THAT(catalogue.sections[1].rows[0].ids(), ElementsAre("I1", "I2"));
}

// What looks like a row and has no id that a test could name would be covered by nothing for ever.
TEST(CatalogueTest, TellsOfRowsWithoutAnId) {
  for (std::string row : {"| A17a | x | ok |", "| a18 | x | ok |", "| A20-A22 | x | ok |",
                          "|  | x | ok |", "| **A3** | x | ok |", "| A5–A3 | x | ok |"}) {
    EXPECT_THAT(ParseCatalogue(kCatalogue + row + "\n").problems, ElementsAre(HasSubstr("no id")))
        << row;
  }
  EXPECT_THAT(ParseCatalogue(std::string(kCatalogue) + "| I2 | again | ok |\n").problems,
              ElementsAre(HasSubstr("I2 is there twice")));
  EXPECT_THAT(ParseCatalogue(std::string(kCatalogue) + "\ntext\n| A9 | astray | ok |\n").problems,
              ElementsAre(HasSubstr("A9 stands in no table")));
  // Spaces are a matter of taste.
  Coverage coverage =
      JoinCoverage(ParseCatalogue(std::string(kCatalogue) + " |A19|x|ok|\n"), {}, {});
  EXPECT_THAT(coverage.problems, Contains("row A19 has no test"));
}

// Variants are counted below the name that they share.
TEST(CoverageTest, JoinsRowsWithTests) {
  Coverage coverage =
      JoinCoverage(ParseCatalogue(kCatalogue), {{"P/T.One/X", {"A1"}}, {"P/T.One/Y", {"A1", "A2"}}},
                   {.planned = {{"I1", "later"}, {"I2", "later"}}, .partial = {{"A2", "TLS"}}});
  EXPECT_THAT(coverage.problems, IsEmpty());
  EXPECT_THAT(RenderCoverage(coverage, std::nullopt), HasSubstr("| T.One<br>not yet: TLS |"));
  EXPECT_THAT(coverage.tests["A1"], ElementsAre(Pair("T.One", 2)));
  EXPECT_THAT(RenderCoverage(coverage, std::nullopt), HasSubstr("| A1 | one | T.One × 2 |"));
  EXPECT_THAT(RenderCoverage(coverage, std::nullopt), HasSubstr("| I1–I2 | many | planned: later"));
}

// A row without a test, a test without a row, an unknown row, a plan that was carried out. Of a
// range each row needs a test.
TEST(CoverageTest, TellsWhatDoesNotFit) {
  Coverage coverage =
      JoinCoverage(ParseCatalogue(kCatalogue),
                   {{"T.Silent", {}}, {"T.Wrong", {"Z9"}}, {"T.Right", {"A1", "I1"}}},
                   {.planned = {{"A1", "later"}, {"Q1", "never"}},
                    .not_here = {{.rows = {"Q2"}, .reason = "no KVM", .why = "KVM"}}});
  EXPECT_THAT(
      coverage.problems,
      UnorderedElementsAre(HasSubstr("T.Silent names no row"), HasSubstr("row Z9 is not in"),
                           "row A2 has no test", "row I2 has no test",
                           "row A1 has a test and is no longer planned",
                           "there is no row Q1 to decide on", "there is no row Q2 to decide on"));
}

// Results of one QEMU with tests of the rows A1 and A2: what is decided, and what is missed.
class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    decisions_.untouched = {{"transports", {{"exec", "reason"}}}};
    Ran("T.Two", "PASSED", R"("exercised":{"capabilities":["events","xbzrle"]})");
  }
  void Ran(const std::string& test, const std::string& status, const std::string& more = "") {
    results_.push_back(Line(R"({"test":")" + test + R"(","status":")" + status +
                            R"(","versions":{"s":"11.1.3","d":"11.1.3"})" +
                            (more.empty() ? "" : "," + more) + "}"));
  }
  void Skipped(const std::string& test, const std::string& reason,
               const std::string& accelerator = "tcg") {
    Ran(test, "SKIPPED", R"("reason":")" + reason + R"(","accelerator":")" + accelerator + '"');
  }
  RunCoverage Join(RunOn on = RunOn::kDefaultQemu) {
    joined_ = JoinCoverage(ParseCatalogue(kCatalogue), tests_, decisions_);
    absl::StatusOr<RunCoverage> run = JoinRun(joined_, results_, FactsWithTwoCapabilities(), on);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.value_or(RunCoverage());
  }

  std::vector<ListedTest> tests_ = {
      {"P/T.One/X", {"A1"}}, {"P/T.One/Y", {"A1"}}, {"T.Two", {"A2"}}};
  CoverageDecisions decisions_;
  std::vector<Json> results_;
  Coverage joined_;
};

TEST_F(RunTest, OneVariantIsEnough) {
  Skipped("P/T.One/X", "no zstd");
  Ran("P/T.One/Y", "KNOWN_DEFECT");
  EXPECT_THAT(Join().problems, IsEmpty());
}

// A row of one variant is missed though the others of its test ran.
TEST_F(RunTest, MissesARowOfOneVariant) {
  tests_[1].rows = {"I1"};
  Ran("P/T.One/X", "PASSED");
  Skipped("P/T.One/Y", "no mapped-ram");
  EXPECT_THAT(Join().problems,
              ElementsAre("row I1: every test was skipped, with tcg: no mapped-ram"));
}

// Tests that left no line, or were never begun, are missed like those that were skipped.
TEST_F(RunTest, MissesARowWithoutAnyLine) {
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: no test of it was run, P/T.One/X")));
  Ran("P/T.One/X", "NOT_RUN");
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: no test of it was run")));
  decisions_.not_here = {{.rows = {"A1"}, .reason = "no KVM", .why = "needs KVM"}};
  Skipped("P/T.One/X", "no KVM");
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: no test of it was run, P/T.One/Y")));
  tests_[1].name = "Slow/T.One/Y";
  EXPECT_THAT(Join().problems, IsEmpty());
}

// A run of one version from or to another is none of that version alone.
TEST_F(RunTest, OtherVersionsProveNothing) {
  results_.push_back(Line(R"({"test":"P/T.One/X","status":"PASSED","versions":{"s":"7.2.22"}})"));
  results_.push_back(
      Line(R"({"test":"P/T.One/X","status":"PASSED","versions":{"s":"11.1.3","d":"7.2.22"}})"));
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: no test of it was run")));
  results_.erase(results_.begin());
  EXPECT_EQ(
      JoinRun(joined_, results_, FactsWithTwoCapabilities(), RunOn::kDefaultQemu).status().code(),
      absl::StatusCode::kFailedPrecondition);
}

// A decision excuses the skips that it was made about, not the row for ever: on a machine with KVM,
// or where the test gives another reason, the row is missed.
TEST_F(RunTest, DecisionHoldsWhereItsReasonDoes) {
  decisions_.not_here = {
      {.rows = {"A1"}, .reason = "rings are KVM's", .accelerator = "tcg", .why = "needs KVM"}};
  Skipped("P/T.One/X", "dirty rings are KVM's");
  Skipped("P/T.One/Y", "dirty rings are KVM's");
  RunCoverage run = Join();
  EXPECT_THAT(run.problems, IsEmpty());
  EXPECT_THAT(RenderCoverage(joined_, run), HasSubstr("- A1: needs KVM (dirty rings are KVM's)"));
  std::vector<Json> before = results_;
  Skipped("P/T.One/Y", "dirty rings are KVM's", "kvm");
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: every test was skipped, with kvm")));
  results_ = before;
  Skipped("P/T.One/Y", "no idea");
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("skipped, with tcg: no idea")));
}

// What an older QEMU refuses is no excuse for the one that takes it.
TEST_F(RunTest, DecisionMayHoldOnOtherQemusOnly) {
  decisions_.not_here = {
      {.rows = {"A1"}, .reason = "not yet compatible", .on_other_qemu = true, .why = "refused"}};
  Skipped("P/T.One/X", "Postcopy is not yet compatible with multifd");
  Skipped("P/T.One/Y", "Postcopy is not yet compatible with multifd");
  EXPECT_THAT(Join(RunOn::kOtherQemu).problems, IsEmpty());
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: every test was skipped")));
}

// A binary that is not the default one may lack what its schema does not have, and nothing else.
TEST_F(RunTest, OtherQemuMayLackWhatItsSchemaLacks) {
  Skipped("P/T.One/X", "QEMU 11.1.3 has no migration capability mapped-ram");
  Skipped("P/T.One/Y", "QEMU 11.1.3 has no migration capability mapped-ram");
  EXPECT_THAT(Join(RunOn::kOtherQemu).problems, IsEmpty());
  EXPECT_THAT(Join().problems, ElementsAre(HasSubstr("row A1: every test was skipped")));
  Skipped("P/T.One/Y", "QEMU 11.1.3 has no migration capability xbzrle");
  EXPECT_THAT(Join(RunOn::kOtherQemu).problems, ElementsAre(HasSubstr("capability xbzrle")));
}

// An ability that the binary has and no migration used, unless decided.
TEST_F(RunTest, MissesWhatNoTestUsed) {
  Ran("P/T.One/X", "PASSED");
  results_[0] = Line(R"({"test":"T.Two","status":"PASSED","versions":{"s":"11.1.3"},)"
                     R"("exercised":{"capabilities":["events"]}})");
  RunCoverage run = Join();
  EXPECT_THAT(run.problems, ElementsAre("capabilities: no test used xbzrle"));
  EXPECT_THAT(run.untouched["capabilities"], ElementsAre("xbzrle"));
  EXPECT_THAT(Join(RunOn::kOtherQemu).problems, IsEmpty());
  decisions_.untouched["capabilities"]["xbzrle"] = "reason";
  EXPECT_THAT(Join().problems, IsEmpty());
}

TEST(CoverageTest, DecisionsAreChecked) {
  EXPECT_TRUE(CoverageDecisions::Parse(R"({"planned":{"A1":"x"}})").ok());
  auto code_of = [](const char* text) { return CoverageDecisions::Parse(text).status().code(); };
  EXPECT_EQ(code_of(R"({"plan":{}})"), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(
      CoverageDecisions::Parse(R"({"not_here":[{"rows":["A1"],"reason":"x","why":"y"}]})").ok());
  EXPECT_EQ(code_of(R"({"not_here":[{"rows":["A1"],"why":"y"}]})"),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of(R"({"not_here":[{"rows":["A1"],"reason":"x","why":"y","on":"z"}]})"),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tandem
