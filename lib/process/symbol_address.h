// SPDX-License-Identifier: Apache-2.0
// Where a function of a running program lies, by the symbols that its file has.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace tandem {

// The address of a function in the memory of process `pid`, by the symbol tables (also the one for
// dynamic linking, which a stripped program keeps) of the 64-bit ELF file that it executes.
// NotFound when they do not have it; Internal when the file or its place cannot be read.
absl::StatusOr<uint64_t> FunctionAddress(pid_t pid, const std::string& function);

}  // namespace tandem
