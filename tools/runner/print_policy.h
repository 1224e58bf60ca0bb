// SPDX-License-Identifier: Apache-2.0
// How much of each test's end is shown while a run goes on: --print.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "lib/report/results.h"

namespace tandem {

// What is shown of one test.
enum class PrintDetail { kOff, kStatus, kStdout, kStderr, kFull };

// By status. A value; the default shows the output of what failed, and a line for all others.
class PrintPolicy {
 public:
  // "passed|failed|skipped|timed-out=full|stdout|stderr|status|off". A crash, and what could not
  // run, counts as failed, a known defect as skipped. InvalidArgument says what is wrong.
  absl::Status Apply(std::string_view setting);
  PrintDetail Of(TestStatus status) const;

 private:
  std::map<std::string, PrintDetail, std::less<>> details_;
};

}  // namespace tandem
