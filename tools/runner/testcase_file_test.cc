// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/testcase_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "lib/base/status.h"
#include "lib/process/scratch_directory.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<std::string>;

struct Command {
  const char* name;
  std::string text;
  Words words;
};

void PrintTo(const Command& command, std::ostream* out) { *out << command.text; }

class TestcaseCommandTest : public ::testing::TestWithParam<Command> {};

TEST_P(TestcaseCommandTest, HasTheseWords) {
  auto words = ParseTestcase(GetParam().text);
  ASSERT_TRUE(words.ok()) << words.status();
  EXPECT_EQ(*words, GetParam().words);
  auto again = ParseTestcase(TestcaseText(GetParam().words));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, GetParam().words) << TestcaseText(GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Testcase, TestcaseCommandTest,
    ::testing::Values(Command{"Plain", "a_test -v 4\n", {"a_test", "-v", "4"}},
                      Command{"NoLineEnd", "a_test", {"a_test"}},
                      Command{"Comments",
                              "# what\n\n  # it is\r\n\ta_test x#y # why\n# more\n",
                              {"a_test", "x#y"}},
                      Command{"Quoted",
                              R"(a "b c" 'd "e" \ f' "g\"h\\i\j" k\ l\#)",
                              {"a", "b c", R"(d "e" \ f)", R"(g"h\i\j)", "k l#"}},
                      Command{"Empty", R"(a "" '')", {"a", "", ""}},
                      Command{"Joined", "a'b'\"c\"d", {"abcd"}},
                      Command{"LineJoint", "a b \\\n c\\\nd\n", {"a", "b", "cd"}},
                      Command{"LineEndInQuotes", "a 'b\nc' d", {"a", "b\nc", "d"}},
                      Command{"NoShell",
                              "a $HOME * ~ {1,2} b|c '|' \\; x=1&y=2",
                              {"a", "$HOME", "*", "~", "{1,2}", "b|c", "|", ";", "x=1&y=2"}},
                      Command{"Unicode", "a \"\xC3\xA4\"", {"a", "\xC3\xA4"}}),
    [](const auto& command) { return std::string(command.param.name); });

std::string ParseError(std::string_view text) { return Message(ParseTestcase(text).status()); }

TEST(TestcaseTest, WhatIsNoCommandIsRefused) {
  EXPECT_EQ(ParseError(""), "there is no command line in it");
  EXPECT_EQ(ParseError("# only a comment\n\n"), "there is no command line in it");
  EXPECT_EQ(ParseError("a 'b\nc\n"), "1: the quote ' does not end");
  EXPECT_EQ(ParseError("\na \"b\\\""), "2: the quote \" does not end");
  EXPECT_EQ(ParseError("a\nb\n"), "2: a second command line; a testcase has one");
  EXPECT_EQ(ParseError("a \\"), "1: a backslash at the end of the file");
  EXPECT_EQ(ParseError("'' a"), "its command is an empty word");
  for (const char* text : {"a | b", "a >x", "a && b", "a ; b", "a 2>&1", "a <b", "(a)", "a `b`"}) {
    EXPECT_THAT(ParseError(text), HasSubstr("1: there is no shell")) << text;
  }
}

class TestcaseFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = ScratchDirectory::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    folder_ = std::move(*made);
  }
  std::string Add(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    EXPECT_TRUE(WriteTextFile(path(name), text).ok());
    return path(name);
  }
  std::string AddProgram(const std::string& name) const {
    std::string program = Add(name, "#!/bin/sh\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return program;
  }
  static Words Ids(const std::vector<PlannedTest>& tests) {
    Words ids;
    for (const PlannedTest& test : tests) ids.push_back(test.id);
    return ids;
  }
  static std::string ErrorOf(const TestcaseSources& sources) {
    return Message(PlanTestcases(sources).status());
  }
  std::string path(const std::string& name) const { return folder_->path() + "/" + name; }

 private:
  std::unique_ptr<ScratchDirectory> folder_;
};

TEST_F(TestcaseFilesTest, FoldersAreSearchedAtAnyDepth) {
  Add("t/b.test", "b");
  Add("t/a/deep/z.test", "z");
  Add("t/a.txt", "not a testcase");
  std::string file = Add("any.name", "n");
  auto tests = PlanTestcases({.files = {file, path("t/./b.test")}, .folders = {path("t")}});
  ASSERT_TRUE(tests.ok()) << tests.status();
  EXPECT_THAT(Ids(*tests), ElementsAre(file, path("t/b.test"), path("t/a/deep/z.test")));
  EXPECT_EQ((*tests)[0].convention, ExitConvention::kTestcase);
  EXPECT_EQ((*tests)[0].family, "testcase");
}

// What could be a path is one below the root; anything else is found as a shell finds it.
TEST_F(TestcaseFilesTest, ExecutablesAreNamedFromTheRoot) {
  AddProgram("root/x86/a_test");
  AddProgram("root/b_test");
  TestcaseSources sources{.files = {Add("1", "x86/a_test 1"), Add("2", "b_test"), Add("3", "true"),
                                    Add("4", "/bin/true"), Add("5", "x86/absent")},
                          .root = path("root")};
  auto tests = PlanTestcases(sources);
  ASSERT_TRUE(tests.ok()) << tests.status();
  EXPECT_THAT((*tests)[0].argv, ElementsAre(path("root/x86/a_test"), "1"));
  EXPECT_THAT((*tests)[1].argv, ElementsAre(path("root/b_test")));
  EXPECT_THAT((*tests)[2].argv, ElementsAre("true"));
  EXPECT_THAT((*tests)[3].argv, ElementsAre("/bin/true"));
  EXPECT_THAT((*tests)[4].argv, ElementsAre(path("root/x86/absent")));
}

TEST_F(TestcaseFilesTest, EachBadFileIsNamed) {
  TestcaseSources sources{.files = {Add("good", "a"), Add("empty", ""), Add("open", "\na 'b"),
                                    path("absent"), path("."),
                                    Add("binary", std::string("\x7f"
                                                              "ELF\0",
                                                              5)),
                                    Add("long", std::string(2'000'000, 'a'))},
                          .folders = {path("nowhere")}};
  EXPECT_THAT(
      ErrorOf(sources),
      AllOf(HasSubstr(path("empty") + ": there is no command line"),
            HasSubstr(path("open") + ":2: the quote"), HasSubstr(path("absent") + ": not found"),
            HasSubstr(path(".") + ": it is not a file"),
            HasSubstr(path("binary") + ": it is not a text"),
            HasSubstr(path("long") + ": too long"), HasSubstr(path("nowhere") + ": No such file"),
            Not(HasSubstr("good"))));
  std::filesystem::create_directory(path("none"));
  EXPECT_THAT(ErrorOf({.folders = {path("none")}}), HasSubstr("no file *.test in it"));
}

// Root can read everything, so it asks as somebody else.
TEST_F(TestcaseFilesTest, UnreadableIsNoEmptyFile) {
  constexpr uid_t kNobody = 65534;
  std::string file = Add("secret", "a");
  std::filesystem::permissions(path("."), std::filesystem::perms(0755));
  std::filesystem::permissions(file, std::filesystem::perms::none);
  uid_t self = geteuid();
  if (self == 0) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  std::string error = ErrorOf({.files = {file}});
  ASSERT_EQ(seteuid(self), 0);
  EXPECT_THAT(error, HasSubstr(file + ": unreadable: Permission denied"));
}

TEST_F(TestcaseFilesTest, ManyErrorsAreCounted) {
  TestcaseSources sources;
  for (int i = 0; i < 30; ++i) sources.files.push_back(path("absent" + std::to_string(i)));
  EXPECT_THAT(ErrorOf(sources), HasSubstr("and 20 more"));
}

}  // namespace
}  // namespace tandem
