// SPDX-License-Identifier: Apache-2.0
#include "lib/report/text.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/base/status.h"
#include "lib/process/line_splitter.h"

namespace tandem {
namespace {

constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

uint32_t CodePoint(std::string_view bytes) {
  auto first = static_cast<unsigned char>(bytes[0]);
  uint32_t value = first & (0xFFu >> (bytes.size() + 1));
  for (char c : bytes.substr(1)) value = value << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return value;
}

// Length of the valid UTF-8 sequence at the beginning of `text`; 0 when there is none (RFC 3629).
size_t SequenceLength(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (char c : text.substr(1, length - 1)) {
    if (!IsContinuation(c)) return 0;
  }
  uint32_t value = CodePoint(text.substr(0, length));
  bool overlong = value < (length == 4 ? 0x10000u : length == 3 ? 0x800u : 0x80u);
  bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return overlong || surrogate || value > 0x10FFFF ? 0 : length;
}

}  // namespace

std::string Shorten(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t end = limit > kEllipsis.size() ? limit - kEllipsis.size() : 0;
  while (end > 0 && IsContinuation(text[end])) --end;
  return fmt::format("{}{}", text.substr(0, end), kEllipsis);
}

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    size_t length = SequenceLength(text);
    valid += length > 0 ? text.substr(0, length) : kReplacement;
    text.remove_prefix(length > 0 ? length : 1);
  }
  return valid;
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (char c : ValidUtf8(text)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      printable += fmt::format("\\x{:02x}", byte);
    } else {
      printable += c;
    }
  }
  return printable;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  LineSplitter splitter;
  auto add = [&](std::string_view line) { lines.emplace_back(line); };
  splitter.Feed(text, add);
  splitter.Finish(add);
  return lines;
}

std::string UtcText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // an iterator would throw when a process ends while its /proc file is read
  return text.str();
}

absl::Status WriteTextFile(const std::string& path, std::string_view text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (file) return absl::OkStatus();
  return ErrnoError(errno == 0 ? EIO : errno, "cannot write " + path);
}

absl::Status ReplaceTextFile(const std::string& path, std::string_view text) {
  std::string beside = path + ".new";
  absl::Status status = WriteTextFile(beside, text);
  std::error_code error;
  if (status.ok()) std::filesystem::rename(beside, path, error);
  if (error) status = ErrnoError(error.value(), "cannot write " + path);
  if (!status.ok()) std::filesystem::remove(beside, error);
  return status;
}

}  // namespace tandem
