// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/guest_console.h"

namespace tandem {

ConsoleSummary SummarizeConsole(std::string_view text) {
  ConsoleSummary summary;
  while (!text.empty()) {
    if (text.front() == '!') {
      size_t end = text.find('\n');
      if (end == std::string_view::npos) break;  // the line is still being printed
      summary.failures.emplace_back(text.substr(1, end - 1));
      text.remove_prefix(end);
      continue;
    }
    if (text.front() == 'A') ++summary.starts;
    if (text.front() == 'B') ++summary.sweeps;
    text.remove_prefix(1);
  }
  return summary;
}

}  // namespace tandem
