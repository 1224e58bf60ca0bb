// SPDX-License-Identifier: Apache-2.0
// XML 1.0 in UTF-8, written element by element; valid whatever the texts hold.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

// Bytes that are no valid UTF-8 become U+FFFD; characters that XML 1.0 does not allow, not even
// escaped, such as control characters, are left out. Not escaped yet.
std::string XmlCharacters(std::string_view text);

// Builds a document from the front. Not thread-safe.
class XmlWriter {
 public:
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;

  XmlWriter();
  // Elements open until Close() are around what follows.
  void Open(std::string_view name, const Attributes& attributes);
  void Close();
  // An element with nothing but text.
  void Element(std::string_view name, const Attributes& attributes, std::string_view text);
  // The document; no element is open.
  const std::string& text() const { return text_; }

 private:
  void Begin(std::string_view name, const Attributes& attributes);

  std::string text_;
  std::vector<std::string> open_;
};

}  // namespace tandem
