// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_summary.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "lib/base/status.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr int kAllSkipped = 77;
constexpr int kCannotBeJudged = 125;  // git bisect run: skip this commit
constexpr int kSignalBase = 128;
constexpr size_t kReasonLines = 4;
constexpr size_t kReasonWidth = 160;
constexpr size_t kSlowest = 5;
constexpr size_t kIndent = 13;  // below the name

// From the best to the worst.
constexpr std::array kSeverity = {
    TestStatus::kPassed, TestStatus::kSkipped,  TestStatus::kKnownDefect, TestStatus::kNotRun,
    TestStatus::kFailed, TestStatus::kTimedOut, TestStatus::kCrashed};

auto Severity(TestStatus status) {
  return std::find(kSeverity.begin(), kSeverity.end(), status) - kSeverity.begin();
}

std::string WordFor(TestStatus status) {
  std::string word(StatusName(status));
  for (char& c : word) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return word;
}

std::string DescribeTest(const TestOutcome& test, const Terminal& terminal) {
  const TestRecord& record = test.shown;
  std::string status =
      test.is_flaky ? terminal.Paint(TestStatus::kFailed, "FLAKY") : terminal.Paint(record.status);
  std::string attempts =
      test.attempts > 1 ? fmt::format(", failed {} of {} times", test.failures, test.attempts) : "";
  std::string text =
      fmt::format("{} {} ({}{})\n{}", status, record.id, FormatSeconds(record.seconds), attempts,
                  IndentReason(record.reason, kReasonLines, kIndent));
  if (!record.output.empty()) text += fmt::format("{:{}}{}\n", "", kIndent, record.output);
  return text;
}

std::string DescribeSlowest(const RunSummary& summary) {
  std::vector<const TestOutcome*> tests;
  for (const TestOutcome& test : summary.tests) {
    if (test.shown.seconds > 0) tests.push_back(&test);
  }
  if (tests.size() < 2 * kSlowest) return "";  // the lines above say it all
  std::partial_sort(tests.begin(), tests.begin() + kSlowest, tests.end(),
                    [](auto* a, auto* b) { return a->shown.seconds > b->shown.seconds; });
  std::string text = "slowest:\n";
  for (size_t i = 0; i < kSlowest; ++i) {
    const TestRecord& record = tests[i]->shown;
    text += fmt::format("{:>12} {}\n", FormatSeconds(record.seconds), record.id);
  }
  return text;
}

}  // namespace

int RunSummary::Count(TestStatus status) const {
  auto found = counts.find(status);
  return found == counts.end() ? 0 : found->second;
}

int RunSummary::failed() const {
  return Count(TestStatus::kFailed) + Count(TestStatus::kTimedOut) + Count(TestStatus::kCrashed);
}

RunSummary SummarizeRun(const RunRecord& run, bool retried) {
  std::map<std::string, TestOutcome> by_id;
  std::map<std::string, TestStatus> last;
  for (const TestRecord& record : run.records) {
    TestOutcome& test = by_id[record.id];
    bool is_worse = Severity(record.status) > Severity(test.shown.status);
    if (test.attempts++ == 0 || is_worse) test.shown = record;
    test.failures += IsFailed(record.status) ? 1 : 0;
    last[record.id] = record.status;
  }
  RunSummary summary;
  for (const std::string& id : run.info.tests) {
    auto found = by_id.find(id);
    if (found == by_id.end()) continue;
    TestOutcome& test = found->second;
    test.is_flaky = retried && test.failures > 0 && last[id] == TestStatus::kPassed;
    summary.flaky += test.is_flaky ? 1 : 0;
    if (!test.is_flaky) ++summary.counts[test.shown.status];
    summary.tests.push_back(std::move(test));
  }
  return summary;
}

int ExitCodeOf(const RunSummary& summary, const ExitRules& rules, int interrupting_signal) {
  if (interrupting_signal != 0) return kSignalBase + interrupting_signal;
  bool is_bad = summary.failed() > 0 || (summary.flaky > 0 && !rules.allow_flaky);
  int not_run = summary.Count(TestStatus::kNotRun);
  int good = summary.Count(TestStatus::kPassed) + (rules.allow_flaky ? summary.flaky : 0);
  if (is_bad) return 1;
  if (rules.bisect) return good > 0 && not_run == 0 ? 0 : kCannotBeJudged;
  if (not_run > 0) return 1;
  return good > 0 || rules.allow_all_skipped ? 0 : kAllSkipped;
}

std::string DescribeCounts(const RunSummary& summary) {
  std::vector<std::string> parts;
  for (TestStatus status : kSeverity) {
    if (int count = summary.Count(status)) {
      parts.push_back(fmt::format("{} {}", count, WordFor(status)));
    }
  }
  if (summary.flaky > 0) parts.push_back(fmt::format("{} flaky", summary.flaky));
  return parts.empty() ? "no test" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string DescribeRun(const RunRecord& run, const RunSummary& summary, const Terminal& terminal) {
  std::string text = "\n";
  size_t not_run = 0;
  for (const TestOutcome& test : summary.tests) {
    bool is_listed = IsFailed(test.shown.status) || test.is_flaky;
    if (test.shown.status == TestStatus::kNotRun) {
      is_listed = !run.info.interrupted.empty() ? !test.shown.output.empty() : true;
      if (!is_listed) ++not_run;
    }
    if (is_listed) text += DescribeTest(test, terminal);
  }
  if (not_run > 0) {
    text += fmt::format("{} {} not started\n", not_run, not_run == 1 ? "test was" : "tests were");
  }
  text += DescribeSlowest(summary);
  if (!run.info.interrupted.empty()) {
    text += fmt::format("the run was ended by {}\n", run.info.interrupted);
  }
  return text + DescribeCounts(summary) + "\n";
}

std::string IndentReason(const std::string& reason, size_t lines, size_t indent) {
  std::string text;
  std::vector<std::string> all = SplitLines(reason);
  for (size_t i = 0; i < std::min(lines, all.size()); ++i) {
    text += fmt::format("{:{}}{}\n", "", indent, Printable(Shorten(all[i], kReasonWidth)));
  }
  return text;
}

}  // namespace tandem
