// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/qemu_binary.h"

#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <sstream>

#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/qemu/cache_directory.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr char kDefaultName[] = "qemu-system-x86_64";
constexpr char kFetchedDefault[] = "/qemu/11.1/bin/qemu-system-x86_64";

// The absolute path of a program as execvp would find it; "" when it would not.
std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return fs::absolute(name);
  std::stringstream directories(EnvironmentValue("PATH").value_or("/usr/bin:/bin"));
  for (std::string directory; std::getline(directories, directory, ':');) {
    fs::path candidate = fs::path(directory.empty() ? "." : directory) / name;
    if (access(candidate.c_str(), X_OK) == 0 && !fs::is_directory(candidate)) {
      return fs::absolute(candidate);
    }
  }
  return "";
}

absl::Status CheckExecutable(const std::string& path, const std::string& name,
                             const std::string& origin) {
  std::error_code error;
  if (path.empty() || !fs::exists(path, error)) {
    return MakeError(absl::StatusCode::kNotFound,
                     "{}: there is no \"{}\"; give the path of a qemu-system binary, or run "
                     "tools/fetch-qemu to get one",
                     origin, name);
  }
  if (fs::is_directory(path, error) || access(path.c_str(), X_OK) != 0) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}: \"{}\" is not an executable file; give the path of a qemu-system binary",
                     origin, name);
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> QemuBinary::command() const {
  std::vector<std::string> words = wrapper;
  words.push_back(path);
  return words;
}

absl::StatusOr<std::vector<std::string>> SplitShellWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size();
    if (escapes && (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\')) {
      word += text[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return MakeError(absl::StatusCode::kInvalidArgument, "a {} is not closed", quote);
  if (in_word) words.push_back(word);
  return words;
}

absl::StatusOr<QemuBinary> ParseQemuBinary(const std::string& value, const std::string& origin) {
  // A path with spaces in it is taken as it is, so that nobody needs to quote.
  absl::StatusOr<std::vector<std::string>> words = SplitShellWords(value);
  if (!words.ok()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}: {}; give the path of a qemu-system binary", origin,
                     Message(words.status()));
  }
  std::error_code error;
  if (fs::exists(value, error)) words = std::vector<std::string>{value};
  if (words->empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}: it holds no binary; give the path of a qemu-system binary", origin);
  }
  QemuBinary binary{.wrapper = {}, .path = "", .origin = origin};
  std::string name = words->back();
  words->pop_back();
  if (!words->empty()) {
    std::string program = FindProgram(words->front());
    TANDEM_RETURN_IF_ERROR(CheckExecutable(program, words->front(), origin));
    words->front() = program;
  }
  binary.wrapper = *std::move(words);
  binary.path = FindProgram(name);
  TANDEM_RETURN_IF_ERROR(CheckExecutable(binary.path, name, origin));
  return binary;
}

absl::StatusOr<QemuBinary> QemuBinaryFromEnvironment(MigrationSide side) {
  bool source = side == MigrationSide::kSource;
  for (const char* variable :
       {source ? "TANDEM_QEMU_SRC" : "TANDEM_QEMU_DST", "TANDEM_QEMU",
        source ? "QTEST_QEMU_BINARY_SRC" : "QTEST_QEMU_BINARY_DST", "QTEST_QEMU_BINARY"}) {
    if (auto value = EnvironmentValue(variable)) {
      return ParseQemuBinary(*value, fmt::format("{}={}", variable, *value));
    }
  }
  std::string fetched = CacheDirectory() + kFetchedDefault;
  std::error_code error;
  if (!CacheDirectory().empty() && fs::exists(fetched, error))
    return ParseQemuBinary(fetched, "the cache");
  if (!FindProgram(kDefaultName).empty()) return ParseQemuBinary(kDefaultName, "PATH");
  return MakeError(absl::StatusCode::kNotFound,
                   "no QEMU to test: set TANDEM_QEMU to a qemu-system binary, or run "
                   "tools/fetch-qemu (looked for {} and for {} in PATH)",
                   fetched, kDefaultName);
}

}  // namespace tandem
