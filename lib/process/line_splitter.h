// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into lines.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace tandem {

// Collects bytes and hands over each complete line without its end (LF or CR LF). Not thread-safe.
class LineSplitter {
 public:
  using LineHandler = std::function<void(std::string_view)>;

  LineSplitter() = default;
  // Lines longer than `longest` bytes are handed over in pieces, so that memory is bounded.
  explicit LineSplitter(size_t longest) : longest_(longest) {}

  // Calls `on_line` for each line that these bytes complete.
  void Feed(std::string_view bytes, const LineHandler& on_line);
  // Hands over what is left as a last line, when there is any.
  void Finish(const LineHandler& on_line);
  // The bytes of the line that has no end yet.
  const std::string& partial() const { return partial_; }

 private:
  size_t longest_ = std::string::npos;
  std::string partial_;
};

}  // namespace tandem
