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

}  // namespace
}  // namespace tandem
