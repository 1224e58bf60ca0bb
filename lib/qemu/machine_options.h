// SPDX-License-Identifier: Apache-2.0
// How one QEMU is to be started, and the command line that says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem {

// What tells one machine from another. A value; nothing is checked before QEMU reads it.
struct MachineOptions {
  std::string role;                    // "source", "secondary", …; required
  std::string machine_type = "pc";     // -machine
  std::string accelerator = "tcg";     // -accel
  int ram_mib = 150;                   // -m; 0 leaves QEMU's default (for -machine none)
  int vcpus = 1;                       // -smp
  bool start_paused = false;           // -S
  std::string incoming;                // -incoming; "" for a source, "defer" or an URI
  std::vector<std::string> arguments;  // appended as they are; default none
};

// The arguments behind the binary: no default devices, no display, QMP and the first serial port on
// unix sockets that QEMU connects to (an empty path leaves one out). `-qmp` is used because it is
// the one spelling that 7.2 knows and 11.1 does not call deprecated.
std::vector<std::string> CommandLine(const MachineOptions& options, const std::string& qmp_path,
                                     const std::string& serial_path);

// A file name inside an option of QEMU: commas are doubled.
std::string EscapeOption(std::string_view value);

// A word as a POSIX shell needs it to be one word again.
std::string QuoteForShell(std::string_view word);

}  // namespace tandem
