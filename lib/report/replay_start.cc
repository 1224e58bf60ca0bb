// SPDX-License-Identifier: Apache-2.0
#include "lib/report/replay_start.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "lib/base/status.h"
#include "lib/qemu/machine_options.h"

namespace tandem {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

// Where the arguments begin: Tandem's command lines begin with -name behind wrapper and binary.
size_t FirstArgument(const std::vector<std::string>& command_line) {
  for (size_t i = 1; i < command_line.size(); ++i) {
    if (command_line[i] == "-name") return i;
  }
  return std::min<size_t>(1, command_line.size());
}

// The path in "unix:PATH,option=…" with its commas undone.
std::string UnixSocketPath(std::string_view value) {
  value.remove_prefix(kUnixPrefix.size());
  std::string path;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == ',' && value.substr(i + 1, 1) != ",") break;
    if (value[i] == ',') ++i;
    path += value[i];
  }
  return path;
}

bool IsUnixOption(const std::vector<std::string>& line, size_t i, std::string_view option) {
  return line[i] == option && i + 1 < line.size() && line[i + 1].starts_with(kUnixPrefix);
}

// The console's log: the first one has the role's name alone.
std::string SerialLog(const std::string& role, int number) {
  return number == 1 ? role + ".serial.log" : fmt::format("{}.serial{}.log", role, number);
}

}  // namespace

std::string BinaryVariable(const std::string& role) {
  std::string name = "QEMU_";
  for (char c : role) {
    auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return name;
}

std::string SocketFolder(const std::vector<std::string>& line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (IsUnixOption(line, i, "-qmp")) {
      return std::filesystem::path(UnixSocketPath(line[i + 1])).parent_path();
    }
  }
  return "";
}

std::string WhyNotStartable(const std::vector<std::string>& line) {
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    bool incoming_fd = line[i] == "-incoming" && line[i + 1].starts_with("fd:");
    if (line[i] == "-add-fd" || incoming_fd) {
      return fmt::format("{} {} needs a descriptor of the test", line[i], line[i + 1]);
    }
  }
  return "";
}

bool IsIncoming(const std::vector<std::string>& line) {
  return std::find(line.begin(), line.end(), "-incoming") != line.end();
}

std::string StartStep(const std::string& role, const std::vector<std::string>& line,
                      const ShellTemplate& text) {
  size_t first = FirstArgument(line);
  std::string step = fmt::format("start {} {}", QuoteForShell(role), BinaryVariable(role));
  for (size_t i = 0; i < first; ++i) step += " " + QuoteForShell(line[i]);
  step += " --";
  int serial_ports = 0;
  for (size_t i = first; i < line.size(); ++i) {
    bool is_qmp = IsUnixOption(line, i, "-qmp");
    bool is_serial = IsUnixOption(line, i, "-serial");
    step += line[i].starts_with("-") ? " \\\n  " : " ";
    step += text.ArgumentWord(line[i]);
    if (is_qmp) step += " stdio";
    if (is_serial) {
      step += fmt::format(" file:\"$work\"/{}", QuoteForShell(SerialLog(role, ++serial_ports)));
    }
    if (is_qmp || is_serial) ++i;
  }
  return step + "\n";
}

}  // namespace tandem
