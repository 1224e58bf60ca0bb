// SPDX-License-Identifier: Apache-2.0
#include "lib/report/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A text within the limit stays; a longer one ends in an ellipsis and never exceeds the limit.
TEST(TextTest, ShortenKeepsTheLimit) {
  EXPECT_EQ(Shorten("12345678", 8), "12345678");
  EXPECT_EQ(Shorten("123456789", 8), "12345…");
}

// A cut that would fall into a character of several bytes falls before it.
TEST(TextTest, ShortenDoesNotCutACharacter) { EXPECT_EQ(Shorten("1234ää78", 8), "1234…"); }

// Stray, cut, overlong and surrogate sequences are replaced; valid ones of every length stay.
TEST(TextTest, ValidUtf8ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(ValidUtf8("a ä € 𝄞"), "a ä € 𝄞");
  EXPECT_EQ(ValidUtf8("a\x80z"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(ValidUtf8("a\xC3"), "a\xEF\xBF\xBD");
  EXPECT_EQ(ValidUtf8("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(ValidUtf8("\xE0\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(ValidUtf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

// A guest that prints terminal codes does not reach the terminal of who reads the report.
TEST(TextTest, PrintableShowsControlCharactersAsText) {
  EXPECT_EQ(Printable("A\x1b[2J\nB"), "A\\x1b[2J\\x0aB");
}

// Lines end with LF or CR LF; the last one needs no end.
TEST(TextTest, SplitsLines) { EXPECT_THAT(SplitLines("a\r\n\nb"), ElementsAre("a", "", "b")); }

// Times sort as texts, whatever the time zone of the host.
TEST(TextTest, TimesAreOfUtcAndHaveMilliseconds) {
  EXPECT_EQ(UtcText(absl::FromUnixMillis(1769903999007)), "2026-01-31T23:59:59.007Z");
}

// Who cannot write is told which file it was.
TEST(TextTest, ErrorNamesTheFile) {
  EXPECT_THAT(Message(WriteTextFile("/no/such/folder/x.txt", "text")),
              HasSubstr("cannot write /no/such/folder/x.txt"));
}

// A file that opens but cannot be read, such as one of a process that has just ended, is empty.
TEST(TextTest, FileThatCannotBeReadIsEmpty) {
  EXPECT_EQ(ReadTextFile("/proc/self/mem"), "");  // EIO at address 0
  EXPECT_EQ(ReadTextFile("/proc/self"), "");
  EXPECT_EQ(ReadTextFile("/nonesuch"), "");
}

}  // namespace
}  // namespace tandem
