// SPDX-License-Identifier: Apache-2.0
// Which QEMU to test, as its user named it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem {

// A QEMU system emulator and the command in front of it, if any.
struct QemuBinary {
  std::vector<std::string> wrapper;  // e.g. {"gdb", "--args"}; usually empty
  std::string path;                  // absolute, as it was found
  std::string origin = {};           // where its name came from: "TANDEM_QEMU=/opt/qemu", "PATH"

  // wrapper and path: the beginning of a command line.
  std::vector<std::string> command() const;
};

// Understands a value such as "/opt/qemu/bin/qemu-system-x86_64" or
// "valgrind --quiet qemu-system-x86_64": words as a shell splits them (quotes, backslashes), the
// last one is the binary, searched in PATH. Checks that it is there and executable, without running
// it. `origin` says where the value came from ("TANDEM_QEMU=…"). NotFound and InvalidArgument begin
// with it, name what is wrong in the value, and say what to do.
absl::StatusOr<QemuBinary> ParseQemuBinary(const std::string& value, const std::string& origin);

// The side of a migration that a binary is for; in COLO the primary is the source.
enum class MigrationSide { kSource, kDestination };

// From TANDEM_QEMU_SRC or TANDEM_QEMU_DST, else TANDEM_QEMU, else QTEST_QEMU_BINARY_SRC or _DST,
// else QTEST_QEMU_BINARY, else the newest that tools/fetch-qemu put into the cache (11.1), else
// qemu-system-x86_64 in PATH. NotFound with what to do when there is none.
absl::StatusOr<QemuBinary> QemuBinaryFromEnvironment(MigrationSide side);

// Splits as a POSIX shell would, without expansions. InvalidArgument on an unclosed quote.
absl::StatusOr<std::vector<std::string>> SplitShellWords(std::string_view text);

}  // namespace tandem
