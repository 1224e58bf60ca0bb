// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/html_report.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class HtmlReportTest : public ::testing::Test {
 protected:
  HtmlReportTest() : scratch_(ScratchDirectory::Create().value()) {
    run_.folder = scratch_->path();
  }

  // A record with files; `timeline` stands in its timeline.json.
  TestRecord& Add(const std::string& id, TestStatus status, const std::string& timeline = "") {
    std::string output = "tests/" + id;
    fs::create_directories(run_.folder + "/" + output);
    std::string line = "{}";
    if (!timeline.empty()) {
      std::string path = output + "/timeline.json";
      EXPECT_TRUE(WriteTextFile(run_.folder + "/" + path, timeline).ok());
      line = R"({"timeline":")" + path + R"(","artifacts":")" + output + R"("})";
    }
    run_.records.push_back(
        {.id = id, .family = "a", .status = status, .output = output, .line = *Json::Parse(line)});
    return run_.records.back();
  }

  std::string Page(const HtmlReportOptions& options = {}) {
    absl::Status written = WriteHtmlReport(run_, options);
    EXPECT_TRUE(written.ok()) << written;
    return ReadTextFile(options.path.empty() ? run_.folder + "/report.html" : options.path);
  }

  // An element of the page with JSON in it.
  static Json Element(const std::string& page, const std::string& id) {
    std::string begin = "<script type=\"application/json\" id=\"" + id + "\">";
    size_t at = page.find(begin);
    if (at == std::string::npos) return {};
    at += begin.size();
    auto json = Json::Parse(page.substr(at, page.find("</script>", at) - at));
    EXPECT_TRUE(json.ok()) << json.status();
    return json.ok() ? *json : Json();
  }

  std::unique_ptr<ScratchDirectory> scratch_;
  RunRecord run_;
};

TEST_F(HtmlReportTest, HoldsRecordsTimelinesAndScripts) {
  TestRecord& failed = Add("a.A.B", TestStatus::kFailed, R"({"schema":1, "end_ms":5})");
  failed.reason = "</script> \"it\" <b>broke</b>";
  std::string script = run_.folder + "/" + failed.output + "/reproduce.sh";
  ASSERT_TRUE(WriteTextFile(script, "echo '</script>'\n").ok());
  std::string page = Page();
  Json record = Element(page, "data")["records"][0];
  EXPECT_EQ(record["id"].Text(), "a.A.B");
  EXPECT_EQ(record["status"].Text(), "FAILED");
  EXPECT_EQ(record["reason"].Text(), failed.reason);
  EXPECT_EQ(record["files"][0][0].Text(), "tests/a.A.B/reproduce.sh");
  EXPECT_EQ(record["files"][0][1].Integer(), 17);
  EXPECT_EQ(Element(page, "timeline-0")["end_ms"].Integer(), 5);
  EXPECT_EQ(Element(page, "reproduce-0").Text(), "echo '</script>'\n");
}

TEST_F(HtmlReportTest, LinksAreRelativeToThePage) {
  Add("a.A.B", TestStatus::kPassed, "{}");
  fs::create_directories(run_.folder + "/other/place");
  std::string page = Page({.path = run_.folder + "/other/place/x.html"});
  EXPECT_EQ(Element(page, "data")["records"][0]["files"][0][0].Text(),
            "../../tests/a.A.B/timeline.json");
}

// What the run was to do and did not: it was killed, or interrupted.
TEST_F(HtmlReportTest, TestsWithoutRecordAreNotRun) {
  run_.info.tests = {"a.A.B", "7.2:11.1/precopy.A.C/X:1"};
  Add("a.A.B", TestStatus::kPassed);
  Json records = Element(Page(), "data")["records"];
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1]["status"].Text(), "NOT_RUN");
  EXPECT_EQ(records[1]["pair"].Text(), "7.2:11.1");
  EXPECT_EQ(records[1]["family"].Text(), "precopy");
}

// A page that would be too large leaves out what went well first, and says so.
TEST_F(HtmlReportTest, StaysSmall) {
  std::string large = R"({"x":")" + std::string(50'000, 'x') + "\"}";
  for (int i = 0; i < 40; ++i) Add("a.A.Passed" + std::to_string(i), TestStatus::kPassed, large);
  Add("a.A.Failed", TestStatus::kFailed, large);
  std::string page = Page({.most_bytes = 1'000'000});
  EXPECT_LT(page.size(), 1'000'000u);
  EXPECT_GT(page.size(), 800'000u);
  EXPECT_FALSE(Element(page, "timeline-40").is_null());
  EXPECT_TRUE(Element(page, "timeline-39").is_null());
  EXPECT_EQ(Element(page, "data")["records"][39]["timeline_left_out"].Boolean(), true);
  EXPECT_FALSE(Element(page, "data")["records"][0].Has("timeline_left_out"));
}

// Thousands of long reasons, too.
TEST_F(HtmlReportTest, ShortensLongReasons) {
  Add("a.A.B", TestStatus::kFailed).reason = std::string(100'000, 'x');
  EXPECT_LT(Element(Page(), "data")["records"][0]["reason"].Text().size(), 5'000u);
}

TEST_F(HtmlReportTest, BrokenFilesAreLeftOut) {
  Add("a.A.B", TestStatus::kFailed, "no JSON");
  Add("a.A.C", TestStatus::kFailed).line = *Json::Parse(R"({"timeline":"nowhere"})");
  std::string page = Page();
  EXPECT_TRUE(Element(page, "timeline-0").is_null());
  EXPECT_TRUE(Element(page, "timeline-1").is_null());
}

TEST_F(HtmlReportTest, ComparesWithAnEarlierRun) {
  RunRecord earlier;
  earlier.folder = "/somewhere/yesterday/";
  for (int i = 0; i < 6; ++i) {
    Add("a.A.B" + std::to_string(i), TestStatus::kPassed).seconds = 2;
    earlier.records.push_back(run_.records.back());
    earlier.records.back().seconds = 0.5;
  }
  Json data = Element(Page({.baseline = &earlier}), "data");
  Json metric = data["metrics"][4];
  EXPECT_EQ(metric["name"].Text(), "test_time");
  EXPECT_EQ(metric["verdict"].Text(), "worse");
  EXPECT_EQ(metric["changes"].size(), 6u);
  EXPECT_EQ(metric["baseline_summary"]["median"].Number(), 500);
  EXPECT_TRUE(Element(Page(), "data")["baseline"].is_null());
}

TEST_F(HtmlReportTest, TheErrorNamesTheFile) {
  absl::Status written = WriteHtmlReport(run_, {.path = "/proc/x/report.html"});
  EXPECT_THAT(Message(written), HasSubstr("/proc/x/report.html"));
}

}  // namespace
}  // namespace tandem
