// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/xml_writer.h"

#include "lib/report/text.h"

namespace tandem {
namespace {

// The two characters of three bytes that are valid UTF-8, but not XML: U+FFFE and U+FFFF.
constexpr std::string_view kNonCharacter = "\xEF\xBF";

bool IsAllowed(char c) {
  return static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

// In an attribute a line end would become a space.
std::string Escaped(std::string_view text, bool in_attribute) {
  std::string escaped;
  for (char c : XmlCharacters(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':  // "]]>" is not allowed in text
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\r':
        escaped += "&#13;";
        break;
      case '\n':
        escaped += in_attribute ? "&#10;" : "\n";
        break;
      case '\t':
        escaped += in_attribute ? "&#9;" : "\t";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string XmlCharacters(std::string_view text) {
  std::string valid = ValidUtf8(text), allowed;
  for (size_t i = 0; i < valid.size(); ++i) {
    bool is_non_character = valid.compare(i, kNonCharacter.size(), kNonCharacter) == 0 &&
                            (valid[i + 2] == '\xBE' || valid[i + 2] == '\xBF');
    if (is_non_character) {
      i += 2;
    } else if (IsAllowed(valid[i])) {
      allowed += valid[i];
    }
  }
  return allowed;
}

XmlWriter::XmlWriter() : text_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

void XmlWriter::Begin(std::string_view name, const Attributes& attributes) {
  text_.append(2 * open_.size(), ' ').append("<").append(name);
  for (const auto& [key, value] : attributes) {
    text_.append(" ").append(key).append("=\"").append(Escaped(value, true)).append("\"");
  }
}

void XmlWriter::Open(std::string_view name, const Attributes& attributes) {
  Begin(name, attributes);
  text_ += ">\n";
  open_.emplace_back(name);
}

void XmlWriter::Close() {
  std::string name = std::move(open_.back());
  open_.pop_back();
  text_.append(2 * open_.size(), ' ').append("</").append(name).append(">\n");
}

void XmlWriter::Element(std::string_view name, const Attributes& attributes,
                        std::string_view text) {
  Begin(name, attributes);
  if (text.empty()) {
    text_ += "/>\n";
  } else {
    text_.append(">").append(Escaped(text, false)).append("</").append(name).append(">\n");
  }
}

}  // namespace tandem
