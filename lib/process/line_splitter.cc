// SPDX-License-Identifier: Apache-2.0
#include "lib/process/line_splitter.h"

#include <algorithm>
#include <utility>

namespace tandem {

void LineSplitter::Feed(std::string_view bytes, const LineHandler& on_line) {
  while (!bytes.empty()) {
    size_t end = bytes.find('\n');
    size_t size = std::min({end, bytes.size(), longest_ - partial_.size()});
    partial_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    bool is_whole = size == end;
    if (!is_whole && partial_.size() < longest_) return;
    if (is_whole) bytes.remove_prefix(1);
    std::string line = std::exchange(partial_, {});
    if (is_whole && !line.empty() && line.back() == '\r') line.pop_back();
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
