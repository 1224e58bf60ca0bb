// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/terminal.h"

#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/environment.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr size_t kStatusColumn = 12;  // the longest, KNOWN_DEFECT

int ColourOf(TestStatus status) {
  switch (status) {
    case TestStatus::kPassed:
      return 32;  // green
    case TestStatus::kSkipped:
    case TestStatus::kKnownDefect:
      return 33;  // yellow
    default:
      return 31;  // red
  }
}

size_t WidthOf(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Terminal::Terminal(std::FILE* stream) : stream_(stream) {
  int fd = fileno(stream);
  bool is_dumb = EnvironmentValue("TERM").value_or("dumb") == "dumb";
  is_live_ = isatty(fd) == 1 && !is_dumb;
  has_colours_ = is_live_ && !EnvironmentValue("NO_COLOR");
  width_ = WidthOf(fd);
}

void Terminal::ClearLive() {
  if (!shows_live_) return;
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
  shows_live_ = false;
}

void Terminal::Print(std::string_view text) {
  ClearLive();
  std::fwrite(text.data(), 1, text.size(), stream_);
  if (!text.ends_with('\n')) std::fputc('\n', stream_);
  std::fflush(stream_);
}

void Terminal::SetLive(std::string_view text) {
  if (!is_live_) return;
  ClearLive();
  if (text.empty()) return;
  std::fputs(Shorten(text, width_ - 1).c_str(), stream_);
  std::fflush(stream_);
  shows_live_ = true;
}

std::string Terminal::Paint(TestStatus status, std::string_view word) const {
  std::string text = fmt::format("{:<{}}", word.empty() ? StatusName(status) : word, kStatusColumn);
  return has_colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", ColourOf(status), text) : text;
}

}  // namespace tandem
