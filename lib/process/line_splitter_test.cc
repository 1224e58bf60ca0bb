// SPDX-License-Identifier: Apache-2.0
#include "lib/process/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tandem {
namespace {

using ::testing::ElementsAre;

TEST(LineSplitterTest, JoinsPiecesAndDropsLineEnds) {
  std::vector<std::string> lines;
  auto keep = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter;
  splitter.Feed("on", keep);
  splitter.Feed("e\r\ntwo\n\nth", keep);
  EXPECT_EQ(splitter.partial(), "th");
  splitter.Finish(keep);
  splitter.Finish(keep);
  EXPECT_THAT(lines, ElementsAre("one", "two", "", "th"));
}

// A line without end does not fill the memory: it comes in pieces.
TEST(LineSplitterTest, CutsLinesThatAreTooLong) {
  std::vector<std::string> lines;
  auto keep = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter(4);
  splitter.Feed("123456789", keep);
  splitter.Feed("0\nabcd\nx", keep);
  splitter.Finish(keep);
  EXPECT_THAT(lines, ElementsAre("1234", "5678", "90", "abcd", "x"));
}

}  // namespace
}  // namespace tandem
