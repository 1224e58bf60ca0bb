// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/verdict.h"

#include <spdlog/fmt/fmt.h>

#include "lib/base/status.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr int kWrongSettings = 2;
constexpr int kAllSkipped = 77;
constexpr int kTestcaseSkipped = 4;

std::string Time(absl::Duration duration) { return FormatSeconds(absl::ToDoubleSeconds(duration)); }

std::string WithLastLine(const std::string& text, const AttemptEnd& end) {
  return end.last_stderr_line.empty() ? text : text + "\n" + end.last_stderr_line;
}

Json LineOf(const AttemptEnd& end) {
  for (auto line = end.lines.rbegin(); line != end.lines.rend(); ++line) {
    if ((*line)["test"].Text() == end.test) return *line;
  }
  return {};
}

Verdict Stopped(const AttemptEnd& end) {
  std::string text = fmt::format("the test did not end within {}", Time(end.timeout));
  if (end.grace > absl::ZeroDuration()) {
    text += fmt::format(", nor within {} more to write its evidence", Time(end.grace));
  }
  return {TestStatus::kTimedOut, WithLastLine(text + ": its processes were killed", end), {}};
}

Verdict Crashed(const AttemptEnd& end) {
  return {TestStatus::kCrashed, WithLastLine("the test died of " + end.exit->ToString(), end), {}};
}

// What it said of itself is why it ended early.
Verdict NotFinished(const AttemptEnd& end) {
  std::string text = "not finished: the run was ended by " + end.interrupted;
  std::string said = LineOf(end)["reason"].Text();
  return {TestStatus::kNotRun, said.empty() ? text : text + "\n" + said, {}};
}

Verdict JudgeTestcase(const AttemptEnd& end) {
  if (end.exit->succeeded()) return {TestStatus::kPassed, "", {}};
  std::string text = WithLastLine(end.exit->ToString(), end);
  bool skipped = end.exit->value == kTestcaseSkipped;
  return {skipped ? TestStatus::kSkipped : TestStatus::kFailed, text, {}};
}

// It told nothing of itself.
Verdict JudgeSilent(const AttemptEnd& end) {
  int code = end.exit->value;
  std::string said = end.exit->ToString();
  switch (code) {
    case 0:
      return {TestStatus::kFailed,
              "the program ended with exit code 0, but wrote no result of the test: nothing shows "
              "that it ran",
              {}};
    case kAllSkipped:
      return {TestStatus::kSkipped, WithLastLine("skipped without a result line", end), {}};
    case kWrongSettings:
      return {TestStatus::kNotRun, WithLastLine("the program refused to run: " + said, end), {}};
    default:
      return {TestStatus::kFailed,
              WithLastLine("the program ended with " + said + " before it wrote a result", end),
              {}};
  }
}

// The exit code must say the same.
Verdict JudgeLine(const AttemptEnd& end, const Json& line) {
  auto status = ParseStatusName(line["status"].Text());
  if (!status) {
    return {TestStatus::kFailed, "the result has no valid status: " + Shorten(line.Dump(), 200),
            line};
  }
  Verdict verdict{*status, line["reason"].Text(), line};
  int code = end.exit->value;
  switch (*status) {
    case TestStatus::kFailed:
      if (end.elapsed >= end.timeout) verdict.status = TestStatus::kTimedOut;  // its own watchdog
      return verdict;
    case TestStatus::kSkipped:
    case TestStatus::kKnownDefect:
      if (code == 0 || code == kAllSkipped) return verdict;
      break;
    default:
      if (code == 0) return verdict;
  }
  std::string text = fmt::format("the result is {}, but the program ended with exit code {}",
                                 StatusName(*status), code);
  return {TestStatus::kFailed, WithLastLine(text, end), line};
}

Verdict JudgeEnd(const AttemptEnd& end) {
  if (!end.start_error.empty()) return {TestStatus::kNotRun, end.start_error, {}};
  if (!end.flooded.empty()) return {TestStatus::kFailed, end.flooded, {}};
  if (end.was_stopped) return Stopped(end);
  bool is_good = end.exit && end.exit->succeeded();  // it was faster than the signal
  if (!end.interrupted.empty() && !is_good) {
    return NotFinished(end);
  }
  if (!end.exit) return {TestStatus::kNotRun, "it was not started", {}};
  if (end.exit->kind == ExitStatus::Kind::kSignaled) return Crashed(end);
  if (end.convention == ExitConvention::kTestcase) return JudgeTestcase(end);
  Json line = LineOf(end);
  return line.is_object() ? JudgeLine(end, line) : JudgeSilent(end);
}

}  // namespace

Verdict Judge(const AttemptEnd& end) {
  Verdict verdict = JudgeEnd(end);
  if (!verdict.line.is_object()) verdict.line = LineOf(end);
  if (end.left_behind.empty()) return verdict;
  // It may still be running: nothing that comes after can be trusted.
  verdict.reason += (verdict.reason.empty() ? "" : "\n") + end.left_behind;
  if (verdict.status == TestStatus::kPassed) verdict.status = TestStatus::kFailed;
  return verdict;
}

std::vector<Json> ParseResults(const std::string& text) {
  std::vector<Json> lines;
  for (const std::string& line : SplitLines(text)) {
    auto json = Json::Parse(line);
    if (json.ok() && json->is_object()) lines.push_back(*std::move(json));
  }
  return lines;
}

}  // namespace tandem
