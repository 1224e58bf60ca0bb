// SPDX-License-Identifier: Apache-2.0
// What the guest says on its console (docs/guest.md): 'A' at its start, 'B' after each
// sweep over its memory, and a line that begins with '!' for each failed self-check.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

// What a piece of console output holds. A value.
struct ConsoleSummary {
  size_t starts = 0;                  // 'A': more than one is a reset
  size_t sweeps = 0;                  // 'B'
  std::vector<std::string> failures;  // complete lines, without the '!'
};

// Reads console output from its beginning or from any line's or character's end.
ConsoleSummary SummarizeConsole(std::string_view text);

}  // namespace tandem
