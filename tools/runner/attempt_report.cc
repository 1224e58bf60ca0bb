// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/attempt_report.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"
#include "lib/report/text.h"
#include "tools/runner/run_summary.h"

namespace tandem {
namespace {

constexpr size_t kShownOutput = 64 << 10;  // bytes of a stream; the rest is in its file
constexpr size_t kReasonLines = 4;
constexpr size_t kIndent = 13;
constexpr size_t kShortReason = 120;

std::string ReadPart(int fd, off_t offset, size_t size) {
  std::string part(size, '\0');
  ssize_t read = pread(fd, part.data(), size, offset);
  part.resize(read < 0 ? 0 : static_cast<size_t>(read));
  return part;
}

// The beginning and the end of what a test printed.
std::string ShownOutput(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0) return "";
  auto size = static_cast<size_t>(status.st_size);
  if (size <= kShownOutput) return ReadPart(file.get(), 0, size);
  size_t half = kShownOutput / 2;
  return fmt::format("{}\n… {} bytes are left out, see {}\n{}", ReadPart(file.get(), 0, half),
                     size - 2 * half, path,
                     ReadPart(file.get(), static_cast<off_t>(size - half), half));
}

std::string StatusLine(const TestRecord& record, const Terminal& terminal) {
  std::string text = fmt::format("{} {} ({})", terminal.Paint(record.status), record.id,
                                 FormatSeconds(record.seconds));
  if (record.attempt > 1) text += fmt::format(", attempt {}", record.attempt);
  bool skipped = record.status == TestStatus::kSkipped || record.status == TestStatus::kKnownDefect;
  if (!skipped) {
    return text + "\n" + IndentReason(record.reason, kReasonLines, kIndent);
  }
  std::string first = record.reason.substr(0, record.reason.find('\n'));
  return text + (first.empty() ? "" : ": " + Printable(Shorten(first, kShortReason))) + "\n";
}

// A control sequence of a test must not change the terminal.
std::string Harmless(const std::string& output) {
  std::string text;
  for (const std::string& line : SplitLines(output)) text += Printable(line) + "\n";
  return text;
}

std::string Stream(const TestRecord& record, const std::string& run_folder, const char* name) {
  std::string output = ShownOutput(fmt::format("{}/{}/{}.txt", run_folder, record.output, name));
  if (output.empty()) return "";
  return fmt::format("--- {} of {}\n{}", name, record.id, Harmless(output));
}

}  // namespace

std::string DescribeProgress(const Progress& progress) {
  RunSummary counts{.counts = progress.counts};
  int ended = 0;
  for (const auto& [status, count] : progress.counts) ended += count;
  int64_t seconds = absl::ToInt64Seconds(absl::Now() - progress.start);
  std::string text = fmt::format("[{}/{}] ", ended, progress.total);
  if (ended > 0) text += DescribeCounts(counts) + ", ";
  text += fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  const char* separator = ", runs ";
  for (const auto& [id, elapsed] : progress.running) {
    text += fmt::format("{}{} ({} s)", std::exchange(separator, ", "), id,
                        absl::ToInt64Seconds(elapsed));
  }
  return text;
}

void PrintAttempt(const TestRecord& record, const std::string& run_folder,
                  const PrintPolicy& policy, Terminal& terminal) {
  PrintDetail detail = policy.Of(record.status);
  if (detail == PrintDetail::kOff) return;
  std::string text = StatusLine(record, terminal);
  bool all = detail == PrintDetail::kFull;
  if (all || detail == PrintDetail::kStdout) text += Stream(record, run_folder, "stdout");
  if (all || detail == PrintDetail::kStderr) text += Stream(record, run_folder, "stderr");
  terminal.Print(text);
}

}  // namespace tandem
