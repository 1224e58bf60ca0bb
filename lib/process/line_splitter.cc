// SPDX-License-Identifier: Apache-2.0
#include "lib/process/line_splitter.h"

namespace tandem {

void LineSplitter::Feed(std::string_view bytes, const LineHandler& on_line) {
  while (!bytes.empty()) {
    size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      partial_.append(bytes);
      return;
    }
    partial_.append(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
    std::string line = std::move(partial_);
    partial_.clear();
    if (!line.empty() && line.back() == '\r') line.pop_back();
    on_line(line);
  }
}

void LineSplitter::Finish(const LineHandler& on_line) {
  if (partial_.empty()) return;
  std::string line = std::move(partial_);
  partial_.clear();
  on_line(line);
}

}  // namespace tandem
