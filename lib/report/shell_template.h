// SPDX-License-Identifier: Apache-2.0
// Recorded text as a word of a shell script, with variables where a replay needs other values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

// Knows which recorded values a replay replaces. Not thread-safe.
class ShellTemplate {
 public:
  // Wherever `folder` stands, "$variable" will; also in QEMU's spelling with doubled commas.
  void ReplaceFolder(const std::string& folder, const std::string& variable);
  // Wherever the port number stands in a string of a JSON command ("tcp:host:4444", "4444").
  void ReplacePort(const std::string& port, const std::string& variable);

  // An argument of a command line.
  std::string ArgumentWord(std::string_view text) const;
  // A QMP command.
  std::string JsonWord(std::string_view text) const;

 private:
  struct Replacement {
    std::string recorded;
    std::string variable;
  };

  std::string Word(std::string_view text, bool is_json) const;
  const Replacement* FolderAt(std::string_view text, size_t position) const;
  const Replacement* PortAt(std::string_view text, size_t position) const;

  std::vector<Replacement> folders_;
  std::vector<Replacement> ports_;
};

}  // namespace tandem
