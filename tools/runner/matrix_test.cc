// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/matrix.h"

#include <gmock/gmock.h>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Each binary with itself, and both ways with each other, under its own variables.
TEST(MatrixTest, PlansEveryOrderedPair) {
  PlannedTest test{.id = "a.A.B", .family = "a", .environment = {{"X", "y"}}};
  std::vector<std::string> ids;
  auto planned = PlanMatrix({test}, {{"old", "/o"}, {"new", "wrap /n"}});
  for (const PlannedTest& each : planned) ids.push_back(each.id);
  EXPECT_THAT(ids, ElementsAre("old:old/a.A.B", "old:new/a.A.B", "new:old/a.A.B", "new:new/a.A.B"));
  EXPECT_EQ(planned[1].pair, "old:new");
  EXPECT_THAT(planned[1].environment, ElementsAre(Pair("X", "y"), Pair("TANDEM_QEMU_SRC", "/o"),
                                                  Pair("TANDEM_QEMU_DST", "wrap /n")));
}

TEST(MatrixTest, ReadsNamesOfBinaries) {
  auto binaries = ParseNamedBinaries({"7.2=/a/qemu", "my-build_2=valgrind -q /b=c"});
  ASSERT_TRUE(binaries.ok()) << binaries.status();
  EXPECT_EQ(binaries->at(0).name, "7.2");
  EXPECT_EQ(binaries->at(1).path, "valgrind -q /b=c");
}

TEST(MatrixTest, RefusesWhatIsNoName) {
  auto error = [](const std::vector<std::string>& texts) {
    return Message(ParseNamedBinaries(texts).status());
  };
  for (const char* wrong : {"/a/qemu", "7.2=", "=/a", "a:b=/a", "a b=/a", "a/b=/a"}) {
    EXPECT_THAT(error({wrong}), HasSubstr("--qemu " + std::string(wrong) + ": give NAME=PATH"));
  }
  EXPECT_THAT(error({"a=/a", "a=/b"}), HasSubstr("--qemu a=/b: the name a comes twice"));
}

}  // namespace
}  // namespace tandem
