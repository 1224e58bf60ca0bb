// SPDX-License-Identifier: Apache-2.0
#include "lib/report/shell_template.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

// The folder becomes a variable where it is a whole folder name, in both of QEMU's spellings.
TEST(ShellTemplateTest, ReplacesTheFolderOfTheRun) {
  ShellTemplate text;
  text.ReplaceFolder("/tmp/a,b", "work");
  EXPECT_EQ(text.ArgumentWord("unix:/tmp/a,,b/s,server=on"), R"(unix:"$work"/s,server=on)");
  EXPECT_EQ(text.JsonWord(R"({"uri":"exec:cat >/tmp/a,b/f"})"),
            R"('{"uri":"exec:cat >'"$work"'/f"}')");
  EXPECT_EQ(text.ArgumentWord("/tmp/a,bc/s"), "/tmp/a,bc/s");
}

// The port is replaced in both spellings of an address, but not in numbers, ids, or longer numbers.
TEST(ShellTemplateTest, ReplacesThePortInAddressesAlone) {
  ShellTemplate text;
  text.ReplacePort("4444", "port_1");
  EXPECT_EQ(text.JsonWord(R"({"uri":"tcp:h:4444"})"), R"('{"uri":"tcp:h:'"$port_1"'"}')");
  EXPECT_EQ(text.JsonWord(R"({"port":"4444"})"), R"('{"port":"'"$port_1"'"}')");
  for (const char* other :
       {R"({"id":4444})", R"({"uri":"tcp:h:44440"})", R"({"uri":"x14444"})", R"({"a\"b":4444})"}) {
    EXPECT_EQ(text.JsonWord(other), "'" + std::string(other) + "'");
  }
}

// What a shell would take for syntax stays text.
TEST(ShellTemplateTest, QuotesTheRest) {
  ShellTemplate text;
  text.ReplaceFolder("/tmp/x", "work");
  EXPECT_EQ(text.ArgumentWord("$(rm)/tmp/x/it's"), R"('$(rm)'"$work"'/it'\''s')");
  EXPECT_EQ(text.ArgumentWord(""), "''");
}

}  // namespace
}  // namespace tandem
