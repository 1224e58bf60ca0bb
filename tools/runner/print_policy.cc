// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/print_policy.h"

#include <array>
#include <utility>

#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr std::array<std::pair<std::string_view, PrintDetail>, 5> kDetails = {
    {{"full", PrintDetail::kFull},
     {"stdout", PrintDetail::kStdout},
     {"stderr", PrintDetail::kStderr},
     {"status", PrintDetail::kStatus},
     {"off", PrintDetail::kOff}}};

std::string_view GroupOf(TestStatus status) {
  switch (status) {
    case TestStatus::kPassed:
      return "passed";
    case TestStatus::kSkipped:
    case TestStatus::kKnownDefect:
      return "skipped";
    case TestStatus::kTimedOut:
      return "timed-out";
    default:
      return "failed";
  }
}

}  // namespace

absl::Status PrintPolicy::Apply(std::string_view setting) {
  size_t equal = setting.find('=');
  std::string_view group = setting.substr(0, equal);
  std::string_view word = equal == std::string_view::npos ? "" : setting.substr(equal + 1);
  bool is_group =
      group == "passed" || group == "failed" || group == "skipped" || group == "timed-out";
  for (const auto& [name, detail] : kDetails) {
    if (!is_group || word != name) continue;
    details_.insert_or_assign(std::string(group), detail);
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "--print {}: give passed, failed, skipped or timed-out, then =, then full, "
                   "stdout, stderr, status or off",
                   setting);
}

PrintDetail PrintPolicy::Of(TestStatus status) const {
  std::string_view group = GroupOf(status);
  if (auto found = details_.find(group); found != details_.end()) return found->second;
  return group == "failed" || group == "timed-out" ? PrintDetail::kFull : PrintDetail::kStatus;
}

}  // namespace tandem
