// SPDX-License-Identifier: Apache-2.0
#include "lib/qmp/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

TEST(JsonTest, BuildsWhatItPrints) {
  Json value = Json::Object(
      {{"uri", "tcp:[::1]:0"}, {"n", 3}, {"on", true}, {"list", Json::Array({1, "two", Json()})}});
  EXPECT_EQ(value.Dump(), R"({"uri":"tcp:[::1]:0","n":3,"on":true,"list":[1,"two",null]})");
}

TEST(JsonTest, ReadsPathsAndTreatsWhatIsAbsentAsNull) {
  absl::StatusOr<Json> value = Json::Parse(R"({"ram":{"total":123,"mbps":1.5},"list":["a"]})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ((*value)["ram"]["total"].Integer(), 123);
  EXPECT_EQ((*value)["ram"]["mbps"].Number(), 1.5);
  EXPECT_EQ((*value)["list"][0].Text(), "a");
  EXPECT_TRUE((*value)["no"]["such"][3]["path"].is_null());
  EXPECT_FALSE((*value)["ram"]["total"].Boolean().has_value());
}

TEST(JsonTest, KeepsASubtreeAliveAfterItsRootIsGone) {
  Json inner = Json::Parse(R"({"a":{"b":"kept"}})").value()["a"];
  EXPECT_EQ(inner["b"].Text(), "kept");
}

TEST(JsonTest, NamesTheOffsetOfAnError) {
  absl::StatusOr<Json> value = Json::Parse(R"({"a": oops})");
  ASSERT_FALSE(value.ok());
  EXPECT_THAT(Message(value.status()), HasSubstr("at byte 6"));
}

// Text nested a million deep is refused, as QEMU's own parser does, and overflows no stack.
TEST(JsonTest, RefusesDeepNesting) {
  std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  absl::StatusOr<Json> value = Json::Parse(deep);
  ASSERT_FALSE(value.ok());
  EXPECT_THAT(Message(value.status()), HasSubstr("nested more than 1024 deep"));
}

// Nesting up to QEMU's own limit, and brackets inside strings in any number, are fine.
TEST(JsonTest, ParsesNestingUpToTheLimitAndBracketsInStrings) {
  std::string nested = std::string(1024, '[') + std::string(1024, ']');
  absl::StatusOr<Json> value = Json::Parse(nested);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->Dump(), nested);
  EXPECT_TRUE(Json::Parse("[\"\\\"" + std::string(5000, '[') + "\"]").ok());
}

TEST(JsonTest, MergeReplacesAndAdds) {
  Json merged = Json::Object({{"a", 1}, {"b", 2}}).MergedWith(Json::Object({{"b", 3}, {"c", 4}}));
  EXPECT_EQ(merged.Dump(), R"({"a":1,"b":3,"c":4})");
}

}  // namespace
}  // namespace tandem
