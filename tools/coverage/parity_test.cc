// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/parity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<ListedTest> kTests = {
    {"Prefix/T.One/X", {}}, {"Prefix/T.One/Y", {}}, {"T.Two", {}}};

Parity ParityOf(const std::string& rows) {
  return Parity::Parse(R"({"text":"words","sections":[{"title":"A","rows":[)" + rows + "]}]}")
      .value();
}

// A test is named as a whole or by one variant, without the prefix of its instantiation.
TEST(ParityTest, RowsNameTestsAndVariants) {
  Parity parity =
      ParityOf(R"({"peer":["/a","/b"],"tandem":["T.One","T.Two","T.One/Y"],"note":"all bytes"},)"
               R"({"peer":["/c"],"note":"no such machine"})");
  EXPECT_THAT(CheckParity(parity, kTests), IsEmpty());
  std::string page = RenderParity(parity);
  EXPECT_THAT(page, HasSubstr("| `/a`<br>`/b` | T.One<br>T.Two<br>T.One/Y | all bytes |"));
  EXPECT_THAT(page, HasSubstr("| `/c` | – | no such machine |"));
}

// A wrong name of a test or of a variant, a row that says nothing, a path that comes twice.
TEST(ParityTest, TellsWhatDoesNotFit) {
  Parity parity = ParityOf(R"({"peer":["/a"],"tandem":["T.Three","T.One/Z"]},{"peer":["/b"]},)"
                           R"({"peer":["/a"],"tandem":["T.Two"]})");
  EXPECT_THAT(CheckParity(parity, kTests),
              ElementsAre("/a: there is no test T.Three", "/a: there is no test T.One/Z",
                          "/b has neither a test nor a reason why not", "/a is in two rows"));
}

TEST(ParityTest, UnknownMembersAreRefused) {
  EXPECT_FALSE(Parity::Parse(R"({"rows":[]})").ok());
  EXPECT_FALSE(Parity::Parse(R"({"sections":[{"rows":[{"peers":[]}]}]})").ok());
}

// A test that QEMU has got since.
TEST(ParityTest, TellsWhatThePeerHasMore) {
  Parity parity = ParityOf(R"({"peer":["/migration/a"],"tandem":["T.Two"]})");
  EXPECT_THAT(CompareWithPeer(parity, "# random seed\n/x86_64/migration/a\n/x86_64/migration/b\n"),
              ElementsAre("/migration/b of QEMU's is in no row"));
}

}  // namespace
}  // namespace tandem
