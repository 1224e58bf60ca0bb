// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lib/base/status.h"
#include "lib/stream/migration_stream.h"
#include "lib/stream/stream_text.h"
#include "lib/stream/test_stream.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kPage = TestStream::kPageBytes;

std::string BytesAt(const TestStream& stream, const StreamRange& range) {
  std::span<const std::byte> bytes = stream.bytes().subspan(range.offset, range.size);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The error of a stream in which `text`, which is in it once, stands as `replacement`.
std::string ErrorWith(TestStream stream, std::string_view text, std::string_view replacement) {
  size_t at = stream.text().find(text);
  EXPECT_NE(at, std::string::npos) << text;
  stream.text().replace(at, replacement.size(), replacement);
  absl::StatusOr<MigrationStream> parsed = ParseStream(stream.bytes());
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kDataLoss);
  return Message(parsed.status());
}

TEST(ParseStreamTest, FindsAllParts) {
  TestStream bytes = SmallStream();
  absl::StatusOr<MigrationStream> stream = ParseStream(bytes.bytes());
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->configuration->machine_type, "pc-q35-11.1");
  EXPECT_EQ(BytesAt(bytes, stream->configuration->length), std::string("\0\0\0\x0b", 4));
  EXPECT_EQ(stream->page_size, kPage);
  ASSERT_EQ(stream->sections.size(), 4U);
  EXPECT_EQ(stream->sections[1].type, SectionType::kPart);
  EXPECT_EQ(stream->sections[1].name, "ram");
  ASSERT_EQ(stream->commands.size(), 1U);
  EXPECT_EQ(stream->commands[0].name, "switchover-start");
  EXPECT_EQ(stream->FindBlock("pc.ram")->used_bytes, 3 * kPage);
  EXPECT_EQ(stream->FindBlock("pc.ram")->normal_pages, 2U);
  EXPECT_EQ(stream->FindBlock("rom")->normal_pages, 1U);
  EXPECT_EQ(stream->CountPages(PageKind::kNormal), 3U);
  EXPECT_EQ(stream->CountPages(PageKind::kZero), 1U);
  EXPECT_EQ(stream->CountPages(PageKind::kXbzrle), 1U);
  EXPECT_EQ(BytesAt(bytes, stream->description_text), kSmallDescription);
}

TEST(ParseStreamTest, FindsWhereADeviceLies) {
  TestStream bytes = SmallStream();
  absl::StatusOr<MigrationStream> stream = ParseStream(bytes.bytes());
  ASSERT_TRUE(stream.ok()) << stream.status();
  const StreamSection* timer = stream->FindDevice("timer");
  ASSERT_NE(timer, nullptr);
  EXPECT_EQ(timer->version, 2U);
  EXPECT_EQ(BytesAt(bytes, {timer->header.offset, 5}), std::string("\x04\0\0\0\0", 5));
  std::string late = std::string("\x05\x0atimer/late\0\0\0\x01l", 17);
  EXPECT_EQ(BytesAt(bytes, timer->payload), std::string(14, 't') + late);
  EXPECT_EQ(BytesAt(bytes, timer->footer), std::string("\x7e\0\0\0\0", 5));
  EXPECT_EQ(stream->FindDevice("timer", 1), nullptr);
}

TEST(ParseStreamTest, FindsThePageThatWasSentLast) {
  TestStream bytes = SmallStream();
  absl::StatusOr<MigrationStream> stream = ParseStream(bytes.bytes());
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(BytesAt(bytes, stream->FindPage("pc.ram", 0)->content), std::string(kPage, 'b'));
  EXPECT_EQ(BytesAt(bytes, stream->FindPage("rom", 0)->content), std::string(kPage, 'r'));
  EXPECT_EQ(stream->FindPage("pc.ram", kPage)->kind, PageKind::kZero);
  EXPECT_EQ(BytesAt(bytes, stream->FindPage("pc.ram", 2 * kPage)->content), "delta");
  EXPECT_EQ(stream->FindPage("rom", kPage), nullptr);
}

TEST(ParseStreamTest, FindsPagesOfMappedRam) {
  TestStream bytes = SmallMappedStream();
  absl::StatusOr<MigrationStream> stream = ParseStream(bytes.bytes());
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_THAT(stream->configuration->capabilities, ElementsAre("mapped-ram"));
  ASSERT_EQ(stream->pages.size(), 2U);
  EXPECT_EQ(stream->pages[1].address, 2 * kPage);
  EXPECT_EQ(BytesAt(bytes, stream->pages[1].content), std::string(kPage, 'c'));
  EXPECT_EQ(stream->FindPage("pc.ram", kPage), nullptr);
  EXPECT_EQ(stream->FindBlock("pc.ram")->mapped->bitmap.size, 8U);
}

TEST(ParseStreamTest, BeginsAnywhereInAFile) {
  TestStream stream = SmallStream();
  stream.text().insert(0, "twelve bytes");
  absl::StatusOr<MigrationStream> parsed = ParseStream(stream.bytes(), 12);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->header, (StreamRange{12, 8}));
  EXPECT_FALSE(ParseStream(stream.bytes(), 1 << 20).ok());
}

TEST(ParseStreamTest, SaysWhatIsWrongAndWhere) {
  std::string_view footer("\x7e\0\0\0\0", 5);
  EXPECT_THAT(ErrorWith(SmallStream(), "QEVM", "QEMU"),
              HasSubstr("at offset 0x0: expected the magic"));
  EXPECT_THAT(
      ErrorWith(SmallStream(), footer, std::string_view("\x7e\0\0\0\x01", 5)),
      HasSubstr("expected the footer (0x7e and 0) of section 0 (\"timer\"), found 0x7e and 1"));
  EXPECT_THAT(ErrorWith(SmallStream(), "\x05timer", "\x05tamer"),
              HasSubstr("expected a device of the description, found \"tamer\""));
  EXPECT_THAT(ErrorWith(SmallStream(), "\x03rom", "\x03ram"),
              HasSubstr("expected the name of a RAM block, found \"rom\""));
  EXPECT_THAT(ErrorWith(SmallStream(), "\"size\": 8", "\"size\": 9"), HasSubstr("the footer"));
  EXPECT_THAT(ErrorWith(SmallStream(), "\"size\": 8", "\"size\":-1"), HasSubstr("no valid size"));
  EXPECT_THAT(ErrorWith(SmallStream(), "\"page_size\": 1024", "\"page_size\": 1025"),
              HasSubstr("expected a page size"));
  EXPECT_THAT(ErrorWith(SmallStream(), std::string_view("\x08\0\x0b", 3),
                        std::string_view("\x08\0\x20", 3)),
              HasSubstr("expected a command"));
  EXPECT_THAT(ErrorWith(SmallMappedStream(), std::string_view("\x05\0\0\0\0\0\0\0", 8), "\x09"),
              HasSubstr("expected no more pages in the bitmap"));
}

// Lengths that lie about the bytes behind them cost neither memory nor time.
TEST(ParseStreamTest, HugeSizesAreRefused) {
  std::string total("\x7f\xff\xff\xff\xff\xff\xfc\x04", 8), length = total;
  length.back() = '\0';
  for (auto [stream, error] : {std::pair(SmallStream(), "expected a page's address and flags"),
                               std::pair(SmallMappedStream(), "expected the offset of")}) {
    size_t list = stream.text().find("\x06pc.ram");
    stream.text().replace(list - 8, 8, total).replace(list + 7, 8, length);
    EXPECT_THAT(Message(ParseStream(stream.bytes()).status()), HasSubstr(error));
  }
}

TEST(ParseStreamTest, DeepAndEndlessDescriptionsAreRefused) {
  std::string nested;
  for (int i = 0; i < 200; ++i) nested += R"({"subsections":[)";
  for (int i = 0; i < 200; ++i) nested += "]}";
  std::string json = R"({"page_size": 1024, "devices": [)" + nested + "]}";
  TestStream stream;
  stream.Header().Description(json);
  EXPECT_THAT(Message(ParseStream(stream.bytes()).status()), HasSubstr("nested more than"));
}

TEST(ParseStreamTest, EveryTruncationIsAnError) {
  for (const TestStream& whole : {SmallStream(), SmallMappedStream()}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      absl::StatusOr<MigrationStream> parsed = ParseStream(whole.bytes().first(size));
      ASSERT_FALSE(parsed.ok()) << size << " of " << whole.size() << " bytes";
      ASSERT_THAT(Message(parsed.status()), HasSubstr("at offset 0x")) << size;
    }
  }
}

// Each byte in turn becomes another; the memory check of sanitizers watches. What is not refused
// has sound ranges.
TEST(ParseStreamTest, NoDamageLeadsOutOfTheFile) {
  std::mt19937 random(7);
  int refused = 0;
  for (const TestStream& whole : {SmallStream(), SmallMappedStream()}) {
    for (size_t at = 0; at < whole.size(); ++at) {
      TestStream damaged = whole;
      damaged.text()[at] = static_cast<char>(damaged.text()[at] ^ (1 + random() % 255));
      absl::StatusOr<MigrationStream> parsed = ParseStream(damaged.bytes());
      if (!parsed.ok()) {
        ++refused;
        continue;
      }
      for (const StreamPage& page : parsed->pages) ASSERT_LE(page.content.end(), whole.size());
      for (const StreamSection& part : parsed->sections) ASSERT_LE(part.footer.end(), whole.size());
      EXPECT_FALSE(DescribeStream(*parsed).empty());
    }
  }
  EXPECT_GT(refused, 400) << "most bytes that are no page's are structure";
}

TEST(StreamTextTest, ListsPartsInTheirOrder) {
  absl::StatusOr<MigrationStream> stream = ParseStream(SmallStream().bytes());
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::string text = DescribeStream(*stream);
  EXPECT_THAT(text, HasSubstr("configuration of pc-q35-11.1"));
  EXPECT_LT(text.find("section 2 start \"ram\""), text.find("block \"pc.ram\""));
  EXPECT_LT(text.find("block \"rom\""), text.find("command switchover-start"));
  EXPECT_THAT(text, HasSubstr("section 0 full \"timer\", instance 0, version 2"));
  Json json = StreamToJson(*stream);
  EXPECT_EQ(json["blocks"][0]["normal-pages"].Integer(), 2);
  EXPECT_EQ(json["sections"][3]["name"].Text(), "timer");
  EXPECT_EQ(json["configuration"]["machine-type"].Text(), "pc-q35-11.1");
}

}  // namespace
}  // namespace tandem
