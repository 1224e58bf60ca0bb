// SPDX-License-Identifier: Apache-2.0
// What `tandem` writes for the person before it: lines, colours where they can be seen, and one
// live line at the bottom of a terminal.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "lib/report/results.h"

namespace tandem {

// Not thread-safe. Writes to a stream that outlives it.
class Terminal {
 public:
  // Colours and the live line on a terminal only; no colours where NO_COLOR is set or TERM=dumb.
  explicit Terminal(std::FILE* stream);
  Terminal(std::FILE* stream, bool is_live, bool has_colours, size_t width)
      : stream_(stream), is_live_(is_live), has_colours_(has_colours), width_(width) {}
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { ClearLive(); }

  bool is_live() const { return is_live_; }
  // Lines above the live one; a line feed is added where it lacks one.
  void Print(std::string_view text);
  // Replaces the live line, cut to the width; nothing where there is none.
  void SetLive(std::string_view text);

  // The name of the status in its colour, padded to a column; as `word`, if one is given.
  std::string Paint(TestStatus status, std::string_view word = "") const;

 private:
  void ClearLive();

  std::FILE* const stream_;
  bool is_live_ = false, has_colours_ = false;
  size_t width_ = 80;
  bool shows_live_ = false;
};

}  // namespace tandem
