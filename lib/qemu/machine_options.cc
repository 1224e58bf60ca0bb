// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/machine_options.h"

#include "lib/base/environment.h"

namespace tandem {

std::vector<std::string> CommandLine(const MachineOptions& options, const std::string& qmp_path,
                                     const std::string& serial_path) {
  std::vector<std::string> line = {"-name",    options.role, "-nodefaults", "-no-user-config",
                                   "-display", "none",       "-machine",    options.machine_type};
  auto add = [&line](std::string name, std::string value) {
    line.push_back(std::move(name));
    line.push_back(std::move(value));
  };
  if (!options.accelerator.empty()) add("-accel", options.accelerator);
  if (options.ram_mib > 0) add("-m", std::to_string(options.ram_mib));
  if (options.vcpus > 1) add("-smp", std::to_string(options.vcpus));
  if (!serial_path.empty()) add("-serial", "unix:" + EscapeOption(serial_path));
  if (!qmp_path.empty()) add("-qmp", "unix:" + EscapeOption(qmp_path));
  if (options.start_paused) line.emplace_back("-S");
  line.insert(line.end(), options.arguments.begin(), options.arguments.end());
  if (!options.incoming.empty()) add("-incoming", options.incoming);
  if (auto trace = EnvironmentValue("QTEST_TRACE")) add("-trace", *trace);
  return line;
}

std::string EscapeOption(std::string_view value) {
  std::string escaped;
  for (char c : value) escaped += c == ',' ? std::string(2, c) : std::string(1, c);
  return escaped;
}

std::string QuoteForShell(std::string_view word) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kSafe) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace tandem
