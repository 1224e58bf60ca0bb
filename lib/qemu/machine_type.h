// SPDX-License-Identifier: Apache-2.0
// Machine types that two binaries share.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "lib/qemu/binary_facts.h"

namespace tandem {

// The machines of x86_64 that the suites know.
enum class MachineFamily { kPc, kQ35, kOther };

// "pc", "q35", "other".
std::string_view MachineFamilyName(MachineFamily family);
// "pc" and "pc-i440fx-7.2" are kPc, "q35" and "pc-q35-10.0" kQ35.
MachineFamily FamilyOf(std::string_view machine_type);

// The alias ("pc", "q35") for a binary with itself; for two versions the newest versioned type that
// both know, because an alias means another machine in each. FailedPrecondition when they share
// none.
absl::StatusOr<std::string> CommonMachineType(MachineFamily family, const BinaryFacts& source,
                                              const BinaryFacts& destination);

}  // namespace tandem
