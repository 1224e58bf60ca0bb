// SPDX-License-Identifier: Apache-2.0
#include "tools/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/report/page_parts.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// A test may say what ends a script, begins a comment or looks like a name of the template.
TEST(ReportPageTest, WhatTestsSayStaysData) {
  const std::string evil = "</script><script>alert(1)</script><!-- {{style}} \" ' & \xE2\x80\xA8";
  Json data = Json::Object({{"reason", evil}});
  std::string page = RenderPage("<b>&", data, {{"timeline", 3, Json(evil).Dump()}});
  std::string empty = RenderPage("", Json::Object({}), {{"timeline", 3, "{}"}});
  EXPECT_EQ(Count(page, "</script"), Count(empty, "</script"));
  EXPECT_EQ(Count(page, "<!--"), Count(empty, "<!--"));
  EXPECT_THAT(page, HasSubstr("<title>&lt;b&gt;&amp;</title>"));
  EXPECT_THAT(page,
              HasSubstr(R"(<script type="application/json" id="timeline-3">"\u003c/script>)"));
  EXPECT_THAT(page, HasSubstr("{{style}}"));
}

// The library's script and ours end no element, and nothing is fetched.
TEST(ReportPageTest, IsOneFile) {
  EXPECT_THAT(std::string(kPageScript), Not(HasSubstr("</script")));
  EXPECT_THAT(std::string(kPageStyle), Not(HasSubstr("url(")));
  EXPECT_THAT(std::string(kPageStyle), Not(HasSubstr("@import")));
  EXPECT_THAT(std::string(kPageTemplate), Not(HasSubstr("://")));
  EXPECT_THAT(std::string(kPageScript), HasSubstr("Leon Sorokin"));  // the licence of uPlot
}

}  // namespace
}  // namespace tandem
