// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/qmp_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A piece of the real thing: types are numbered, a list stands between the command and its enum.
QmpSchema SmallSchema() {
  return QmpSchema(Json::Parse(R"([
    {"name": "migrate-set-capabilities", "meta-type": "command", "arg-type": "1", "ret-type": "9"},
    {"name": "1", "meta-type": "object", "members": [{"name": "capabilities", "type": "[2]"}]},
    {"name": "[2]", "meta-type": "array", "element-type": "2"},
    {"name": "2", "meta-type": "object", "members": [{"name": "capability", "type": "3"}]},
    {"name": "3", "meta-type": "enum", "values": ["xbzrle", "multifd"]},
    {"name": "9", "meta-type": "object", "members": []}])")
                       .value());
}

TEST(QmpSchemaTest, FindsCommandsAndTheirArguments) {
  EXPECT_TRUE(SmallSchema().HasCommand("migrate-set-capabilities"));
  EXPECT_FALSE(SmallSchema().HasCommand("1")) << "a type is no command";
  EXPECT_THAT(SmallSchema().Commands(), ElementsAre("migrate-set-capabilities"));
  EXPECT_THAT(SmallSchema().Arguments("migrate-set-capabilities"), ElementsAre("capabilities"));
  EXPECT_EQ(SmallSchema().ArgumentKind("migrate-set-capabilities", "capabilities"), "array");
  EXPECT_EQ(SmallSchema().ArgumentKind("migrate-set-capabilities", "2"), "");
}

TEST(QmpSchemaTest, FollowsAPathThroughListsToAnEnumeration) {
  EXPECT_THAT(
      SmallSchema().ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"}),
      ElementsAre("xbzrle", "multifd"));
  EXPECT_THAT(SmallSchema().ArgumentEnum("migrate-set-capabilities", {"no", "such"}), IsEmpty());
  EXPECT_THAT(SmallSchema().ReturnEnum("no-such-command", {"status"}), IsEmpty());
}

}  // namespace
}  // namespace tandem
