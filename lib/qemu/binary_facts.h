// SPDX-License-Identifier: Apache-2.0
// What a QEMU binary can do, found out once and remembered.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/qemu/qemu_binary.h"
#include "lib/qemu/qmp_schema.h"

namespace tandem {

// What one binary says of itself. A value; FactsOf returns one that lives as long as the process.
struct BinaryFacts {
  std::string version;                     // "11.1.3"
  std::string package;                     // the distribution's name of the build; may be empty
  std::string target;                      // QAPI SysEmuTarget: "x86_64", "aarch64", …
  std::vector<std::string> machine_types;  // names and aliases
  QmpSchema schema;                        // query-qmp-schema
  // True: `x-colo` is refused without `return-path` (11.1 and later). False: COLO breaks with it
  // (10.2 and before). No schema shows it, so it was tried.
  bool colo_needs_return_path = false;

  // Of QAPI MigrationCapability, by the schema.
  bool HasCapability(const std::string& name) const;
  // By name or alias.
  bool HasMachineType(const std::string& name) const;
};

// Asks a machine of type "none". The answer is kept in the process and in the cache directory,
// keyed by path, size and time of the binary. Errors: InvalidArgument when the program is not a
// QEMU, with what it said instead. Call from the main thread.
absl::StatusOr<const BinaryFacts*> FactsOf(const QemuBinary& binary, const Deadline& deadline);

}  // namespace tandem
