// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/machine_type.h"

#include <cctype>
#include <charconv>
#include <utility>

#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr std::string_view kPcPrefix = "pc-i440fx-";
constexpr std::string_view kQ35Prefix = "pc-q35-";

// "pc-q35-10.0" → {10, 0}; {-1, -1} for names that are not versioned so.
std::pair<int, int> VersionOf(std::string_view machine_type, std::string_view prefix) {
  if (!machine_type.starts_with(prefix)) return {-1, -1};
  const char* begin = machine_type.data() + prefix.size();
  const char* end = machine_type.data() + machine_type.size();
  std::pair<int, int> version{-1, -1};
  auto major = std::from_chars(begin, end, version.first);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return {-1, -1};
  auto minor = std::from_chars(major.ptr + 1, end, version.second);
  return minor.ec == std::errc() && minor.ptr == end ? version : std::pair{-1, -1};
}

}  // namespace

std::string_view MachineFamilyName(MachineFamily family) {
  switch (family) {
    case MachineFamily::kPc:
      return "pc";
    case MachineFamily::kQ35:
      return "q35";
    case MachineFamily::kOther:
      break;
  }
  return "other";
}

MachineFamily FamilyOf(std::string_view machine_type) {
  if (machine_type == "pc" || machine_type.starts_with(kPcPrefix)) return MachineFamily::kPc;
  if (machine_type == "q35" || machine_type.starts_with(kQ35Prefix)) return MachineFamily::kQ35;
  return MachineFamily::kOther;
}

absl::StatusOr<std::string> CommonMachineType(MachineFamily family, const BinaryFacts& source,
                                              const BinaryFacts& destination) {
  std::string alias(MachineFamilyName(family));
  bool same = source.version == destination.version && source.package == destination.package;
  if (same && source.HasMachineType(alias)) return alias;
  std::string_view prefix = family == MachineFamily::kPc ? kPcPrefix : kQ35Prefix;
  std::string newest;
  for (const std::string& type : source.machine_types) {
    if (VersionOf(type, prefix).first >= 0 && destination.HasMachineType(type) &&
        (newest.empty() || VersionOf(type, prefix) > VersionOf(newest, prefix))) {
      newest = type;
    }
  }
  if (!newest.empty()) return newest;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "QEMU {} and {} share no machine type of the family {}", source.version,
                   destination.version, alias);
}

}  // namespace tandem
