// SPDX-License-Identifier: Apache-2.0
#include "lib/report/shell_template.h"

#include <cctype>

#include "lib/qemu/machine_options.h"

namespace tandem {
namespace {

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Follows where strings begin and end in JSON text, read one byte after the other.
class StringTracker {
 public:
  bool in_string() const { return in_string_; }
  void Next(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = in_string_;
    } else if (c == '"') {
      in_string_ = !in_string_;
    }
  }

 private:
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace

void ShellTemplate::ReplaceFolder(const std::string& folder, const std::string& variable) {
  folders_.push_back({folder, variable});
  if (EscapeOption(folder) != folder) folders_.push_back({EscapeOption(folder), variable});
}

void ShellTemplate::ReplacePort(const std::string& port, const std::string& variable) {
  ports_.push_back({port, variable});
}

const ShellTemplate::Replacement* ShellTemplate::FolderAt(std::string_view text,
                                                          size_t position) const {
  for (const Replacement& folder : folders_) {
    std::string_view rest = text.substr(position);
    if (!rest.starts_with(folder.recorded)) continue;
    rest.remove_prefix(folder.recorded.size());
    constexpr std::string_view kEndsOfName = "/,\"";
    if (rest.empty() || kEndsOfName.find(rest.front()) != std::string_view::npos) return &folder;
  }
  return nullptr;
}

const ShellTemplate::Replacement* ShellTemplate::PortAt(std::string_view text,
                                                        size_t position) const {
  if (position == 0 || (text[position - 1] != ':' && text[position - 1] != '"')) return nullptr;
  for (const Replacement& port : ports_) {
    std::string_view rest = text.substr(position);
    if (!rest.starts_with(port.recorded)) continue;
    rest.remove_prefix(port.recorded.size());
    if (rest.empty() || !IsDigit(rest.front())) return &port;
  }
  return nullptr;
}

std::string ShellTemplate::ArgumentWord(std::string_view text) const { return Word(text, false); }
std::string ShellTemplate::JsonWord(std::string_view text) const { return Word(text, true); }

std::string ShellTemplate::Word(std::string_view text, bool is_json) const {
  std::string word, literal;
  auto end_literal = [&] {
    if (!literal.empty()) word += QuoteForShell(literal);
    literal.clear();
  };
  StringTracker json;
  for (size_t i = 0; i < text.size();) {
    const Replacement* found = FolderAt(text, i);
    if (found == nullptr && json.in_string()) found = PortAt(text, i);
    if (found == nullptr) {
      if (is_json) json.Next(text[i]);
      literal += text[i++];
      continue;
    }
    end_literal();
    word += "\"$" + found->variable + "\"";
    i += found->recorded.size();
  }
  end_literal();
  return word.empty() ? "''" : word;
}

}  // namespace tandem
