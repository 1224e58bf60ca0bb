// SPDX-License-Identifier: Apache-2.0
#include "lib/report/known_defect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

std::string Entry(const std::string& members = "") {
  return R"([{"id": "stale-page", "tests": ["Colo/*"], "symptoms": ["page \\d+ is stale"],
              "meaning": "a page is stale", "reference": "none")" +
         members + "}]";
}

KnownDefect Defect(const std::string& members = "") {
  absl::StatusOr<std::vector<KnownDefect>> defects = ParseKnownDefects(Entry(members), "test");
  EXPECT_TRUE(defects.ok()) << defects.status();
  return defects.ok() ? defects->front() : KnownDefect();
}

DefectSubject Subject(const std::string& source, const std::string& destination) {
  return {"Colo/ColoTest.Runs/Plain", source, destination, "tcg"};
}

// A bound is as exact as it is written.
TEST(KnownDefectTest, VersionsAreCompared) {
  EXPECT_TRUE(IsVersionWithin("10.0.13", "", ""));
  EXPECT_TRUE(IsVersionWithin("10.0.13", "", "10.0"));
  EXPECT_FALSE(IsVersionWithin("10.1.0", "", "10.0"));
  EXPECT_TRUE(IsVersionWithin("10.1.0", "9.2", "10"));
  EXPECT_FALSE(IsVersionWithin("7.2.22", "10.0", ""));
  EXPECT_TRUE(IsVersionWithin("11.1.3", "11.1.3", "11.1.3"));
  EXPECT_FALSE(IsVersionWithin("11.1.4", "", "11.1.3"));
}

// Test, binary and accelerator must all be those of the entry.
TEST(KnownDefectTest, AppliesToTestsAndBinaries) {
  KnownDefect defect = Defect(R"(, "to": "10.0", "accelerators": ["tcg"])");
  DefectSubject subject = Subject("10.0.13", "11.1.3");
  EXPECT_TRUE(defect.AppliesTo(subject));
  EXPECT_FALSE(defect.AppliesTo(Subject("11.1.3", "11.1.3")));
  subject.accelerator = "kvm";
  EXPECT_FALSE(defect.AppliesTo(subject));
  subject = Subject("10.0.13", "10.0.13");
  subject.test = "PrecopyTest.Moves";
  EXPECT_FALSE(defect.AppliesTo(subject));
}

TEST(KnownDefectTest, SideSaysWhoseBinaryCounts) {
  auto applies = [](const std::string& side, const DefectSubject& subject) {
    return Defect(R"(, "to": "10.0", "side": ")" + side + "\"").AppliesTo(subject);
  };
  EXPECT_TRUE(applies("source", Subject("10.0.13", "11.1.3")));
  EXPECT_FALSE(applies("source", Subject("11.1.3", "10.0.13")));
  EXPECT_FALSE(applies("destination", Subject("10.0.13", "11.1.3")));
  EXPECT_TRUE(applies("destination", Subject("11.1.3", "10.0.13")));
  EXPECT_TRUE(applies("either", Subject("11.1.3", "10.0.13")));
  EXPECT_FALSE(applies("both", Subject("11.1.3", "10.0.13")));
  EXPECT_TRUE(applies("both", Subject("7.2.22", "10.0.13")));
}

// A pair of versions that do not understand each other: each understands its like.
TEST(KnownDefectTest, PeerIsTheOtherSide) {
  KnownDefect defect = Defect(R"(, "side": "destination", "from": "11.1", "peer_to": "10.0")");
  EXPECT_TRUE(defect.AppliesTo(Subject("10.0.13", "11.1.3")));
  EXPECT_TRUE(defect.AppliesTo(Subject("7.2.22", "11.1.3")));
  EXPECT_FALSE(defect.AppliesTo(Subject("11.1.3", "11.1.3")));
  EXPECT_FALSE(defect.AppliesTo(Subject("10.0.13", "10.0.13")));
  EXPECT_FALSE(defect.AppliesTo(Subject("11.1.3", "10.0.13")));
  defect = Defect(R"(, "side": "source", "to": "10.0", "peer_from": "10.1", "peer_to": "11.0")");
  EXPECT_TRUE(defect.AppliesTo(Subject("10.0.13", "10.1.0")));
  EXPECT_FALSE(defect.AppliesTo(Subject("10.0.13", "11.1.3")));
  EXPECT_FALSE(defect.AppliesTo(Subject("10.0.13", "10.0.13")));
}

TEST(KnownDefectTest, SymptomIsFoundAnywhere) {
  KnownDefect defect = Defect();
  EXPECT_TRUE(defect.Explains("oracle:\nfirst finding: page 17 is stale by 3 generations"));
  EXPECT_FALSE(defect.Explains("page 17 is damaged"));
}

TEST(KnownDefectTest, PatienceIsOptional) {
  EXPECT_FALSE(Defect().patience);
  EXPECT_EQ(Defect(R"(, "patience_seconds": 1.5)").patience, absl::Seconds(1.5));
}

TEST(KnownDefectTest, IsRareOnlyIfItSaysSo) {
  EXPECT_FALSE(Defect().rare);
  EXPECT_TRUE(Defect(R"(, "rare": true)").rare);
}

struct WrongFile {
  std::string text;
  std::string complaint;
};

class WrongFileTest : public ::testing::TestWithParam<WrongFile> {};

// What is wrong is named, with the file and the entry.
TEST_P(WrongFileTest, IsExplained) {
  absl::StatusOr<std::vector<KnownDefect>> defects = ParseKnownDefects(GetParam().text, "my.json");
  ASSERT_EQ(defects.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(defects.status()), HasSubstr("my.json: "));
  EXPECT_THAT(Message(defects.status()), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    , WrongFileTest,
    ::testing::Values(
        WrongFile{"", "not a JSON array"}, WrongFile{"{}", "not a JSON array"},
        WrongFile{"[1]", "entry 1: the entry must be an object"},
        WrongFile{R"([{"id": "a b"}])", "\"id\" must be of letters"},
        WrongFile{R"([{"id": "a"}])", "entry 1 \"a\": \"tests\" must be an array"},
        WrongFile{Entry(R"(, "side": "left")"), "\"side\" must be source"},
        WrongFile{Entry(R"(, "from": "ten")"), "\"from\" must be a version"},
        WrongFile{Entry(R"(, "from": "11.0", "to": "10.0")"), "\"to\" must not be below"},
        WrongFile{Entry(R"(, "side": "source", "peer_to": "ten")"),
                  "\"peer_to\" must be a version"},
        WrongFile{Entry(R"(, "side": "source", "peer_from": "11.0", "peer_to": "10.0")"),
                  "\"peer_to\" must not be below \"peer_from\""},
        WrongFile{Entry(R"(, "peer_to": "10.0")"), "\"side\" must be source or destination"},
        WrongFile{Entry(R"(, "patience_seconds": 0)"), "\"patience_seconds\" must be a number"},
        WrongFile{Entry(R"(, "rare": "yes")"), "\"rare\" must be true or false"},
        WrongFile{Entry(R"(, "patience_seconds": "2")"), "\"patience_seconds\" must be a number"},
        WrongFile{Entry(R"(, "accelerators": "tcg")"), "\"accelerators\" must be an array"},
        WrongFile{Entry(R"(, "symptom": ["x"])"), "\"symptom\" is not known"},
        WrongFile{Entry(R"(, "tests": ["*"])"), "\"tests\" is there twice"},
        WrongFile{R"([{"id": "a", "tests": ["*"], "symptoms": ["("], "meaning": "m",
                       "reference": "r"}])",
                  "which is no regular expression"},
        WrongFile{"[" + Entry().substr(1, Entry().size() - 2) + "," + Entry().substr(1),
                  "is there twice"}));

}  // namespace
}  // namespace tandem
