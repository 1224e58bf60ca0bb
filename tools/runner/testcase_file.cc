// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/testcase_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "lib/base/status.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestFile = 1 << 20;
constexpr size_t kNamedErrors = 10;
constexpr std::string_view kSuffix = ".test";
// A word of nothing but these would be an operator in a shell.
constexpr std::string_view kOperators = "|&;<>()`";

absl::Status LineError(int line, const std::string& what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "{}: {}", line, what);
}

// "2>&1" too.
bool IsOperator(std::string_view word) {
  while (!word.empty() && word.front() >= '0' && word.front() <= '9') word.remove_prefix(1);
  return !word.empty() && kOperators.find(word.front()) != std::string_view::npos;
}

// Reads words from the front.
class WordReader {
 public:
  explicit WordReader(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<std::string>> ReadCommand() {
    for (;;) {
      SkipBlanks();
      if (AtEnd()) break;
      if (Peek() == '\n') {
        Next();
        is_over_ = !words_.empty();
        continue;
      }
      if (is_over_) return LineError(line_, "a second command line; a testcase has one");
      TANDEM_ASSIGN_OR_RETURN(std::string word, ReadWord());
      words_.push_back(std::move(word));
    }
    if (words_.empty()) return absl::InvalidArgumentError("there is no command line in it");
    if (words_[0].empty()) return absl::InvalidArgumentError("its command is an empty word");
    return std::move(words_);
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return text_[at_]; }
  char Next() {
    if (Peek() == '\n') ++line_;
    return text_[at_++];
  }
  // A backslash at the end of a line joins it with the next.
  bool SkipJoint() {
    if (text_.substr(at_, 2) != "\\\n") return false;
    Next();
    Next();
    return true;
  }

  // And comments, which begin where a word could.
  void SkipBlanks() {
    while (!AtEnd()) {
      if (SkipJoint()) continue;
      if (Peek() == '#') {
        while (!AtEnd() && Peek() != '\n') Next();
      } else if (Peek() != ' ' && Peek() != '\t' && Peek() != '\r') {
        return;
      } else {
        Next();
      }
    }
  }

  absl::StatusOr<std::string> ReadWord() {
    std::string word;
    bool quoted = false;
    int begin = line_;
    while (!AtEnd() && std::string_view(" \t\r\n").find(Peek()) == std::string_view::npos) {
      if (SkipJoint()) continue;
      char c = Next();
      if (c == '\'' || c == '"') {
        quoted = true;
        TANDEM_RETURN_IF_ERROR(ReadQuoted(c, word));
      } else if (c == '\\') {
        quoted = true;
        if (AtEnd()) return LineError(line_, "a backslash at the end of the file");
        word += Next();
      } else {
        word += c;
      }
    }
    if (quoted || !IsOperator(word)) return word;
    return LineError(begin, fmt::format("there is no shell that would understand {}: write it in "
                                        "quotes if it is an argument",
                                        word));
  }

  absl::Status ReadQuoted(char quote, std::string& word) {
    int begin = line_;
    while (!AtEnd()) {
      char c = Next();
      if (c == quote) return absl::OkStatus();
      bool escapes = quote == '"' && c == '\\' && !AtEnd() && (Peek() == '"' || Peek() == '\\');
      word += escapes ? Next() : c;
    }
    return LineError(begin, fmt::format("the quote {} does not end", quote));
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  bool is_over_ = false;  // the line of the command has ended
  std::vector<std::string> words_;
};

// InvalidArgument says why not, without the name.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return absl::InvalidArgumentError("not found");
  if (error) return absl::InvalidArgumentError(error.message());
  if (!fs::is_regular_file(status)) return absl::InvalidArgumentError("it is not a file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::InvalidArgumentError("unreadable: " + std::generic_category().message(errno));
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.size() > kLongestFile) return absl::InvalidArgumentError("too long for a testcase");
  if (text.find('\0') != std::string::npos) return absl::InvalidArgumentError("it is not a text");
  return text;
}

// Below the root; a name without a folder also on the PATH.
std::string Executable(const std::string& name, const std::string& root) {
  fs::path path = fs::path(root.empty() ? "." : root) / name;
  bool on_path = name.find('/') == std::string::npos && access(path.c_str(), X_OK) != 0;
  return on_path ? name : fs::absolute(path).lexically_normal().string();
}

// The test of Tandem's that a command of `tandem testcases` runs; "" for all others.
std::string OwnTest(const std::vector<std::string>& argv) {
  constexpr std::string_view kFilter = "--gtest_filter=";
  if (argv.back() != kTestcaseSkipFlag) return "";
  for (const std::string& word : argv) {
    if (word.starts_with(kFilter)) return word.substr(kFilter.size());
  }
  return "";
}

absl::StatusOr<PlannedTest> PlanTestcase(const std::string& file, const std::string& root) {
  TANDEM_ASSIGN_OR_RETURN(std::string text, ReadFile(file));
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> argv, ParseTestcase(text));
  argv[0] = Executable(argv[0], root);
  PlannedTest test{.id = fs::path(file).lexically_normal(),
                   .family = "testcase",
                   .test = OwnTest(argv),
                   .labels = {"testcase"},
                   .argv = std::move(argv),
                   .convention = ExitConvention::kTestcase};
  if (!test.test.empty()) {  // it says more than a code, and is heard
    test.argv.pop_back();
    test.convention = ExitConvention::kTandem;
  }
  return test;
}

absl::StatusOr<std::vector<std::string>> TestcasesIn(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (auto i = fs::recursive_directory_iterator(folder, error);
       !error && i != fs::recursive_directory_iterator(); i.increment(error)) {
    std::string path = i->path();
    if (path.ends_with(kSuffix) && !i->is_directory()) files.push_back(std::move(path));
  }
  if (error) return absl::InvalidArgumentError(error.message());
  if (files.empty()) return absl::InvalidArgumentError("there is no file *.test in it");
  std::sort(files.begin(), files.end());
  return files;
}

// Quoted where it must be.
std::string Quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_*?";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "\"";
  for (char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseTestcase(std::string_view text) {
  return WordReader(text).ReadCommand();
}

absl::StatusOr<std::vector<PlannedTest>> PlanTestcases(const TestcaseSources& sources) {
  std::vector<std::string> errors, files = sources.files;
  auto add_error = [&](const std::string& path, const absl::Status& status) {
    std::string what = Message(status);
    bool has_line = !what.empty() && what[0] >= '0' && what[0] <= '9';
    errors.push_back(fmt::format("{}:{}{}", path, has_line ? "" : " ", Printable(what)));
  };
  for (const std::string& folder : sources.folders) {
    auto found = TestcasesIn(folder);
    if (!found.ok()) add_error(folder, found.status());
    if (found.ok()) files.insert(files.end(), found->begin(), found->end());
  }
  std::vector<PlannedTest> tests;
  std::set<std::string> seen;
  for (const std::string& file : files) {
    std::error_code ignored;
    fs::path canonical = fs::weakly_canonical(file, ignored);
    if (!seen.insert(canonical.empty() ? file : canonical.string()).second) continue;
    auto test = PlanTestcase(file, sources.root);
    if (!test.ok()) add_error(file, test.status());
    if (test.ok()) tests.push_back(*std::move(test));
  }
  if (errors.empty()) return tests;
  size_t shown = std::min(errors.size(), kNamedErrors);
  std::string text = fmt::format("{}", fmt::join(errors.begin(), errors.begin() + shown, "\n"));
  if (shown < errors.size()) text += fmt::format("\nand {} more", errors.size() - shown);
  return absl::InvalidArgumentError("these are no testcases:\n" + text);
}

std::string TestcaseText(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + Quoted(word);
  return text + "\n";
}

}  // namespace tandem
