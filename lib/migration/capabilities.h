// SPDX-License-Identifier: Apache-2.0
// Migration capabilities (QAPI MigrationCapability) as a set.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "lib/qmp/json.h"

namespace tandem {

// Names as QEMU spells them. Any other name may be used as well: a binary may know more.
namespace capability {
// COLO, on both sides.
inline constexpr std::string_view kColo = "x-colo";
// MIGRATION events, which every wait of Tandem needs.
inline constexpr std::string_view kEvents = "events";
// RAM at fixed places of a file.
inline constexpr std::string_view kMappedRam = "mapped-ram";
// RAM over several channels.
inline constexpr std::string_view kMultifd = "multifd";
// A state between precopy and switchover that migrate-continue ends.
inline constexpr std::string_view kPauseBeforeSwitchover = "pause-before-switchover";
// The guest runs on the destination before its memory is there; on both sides.
inline constexpr std::string_view kPostcopyRam = "postcopy-ram";
// A channel of its own for pages that the destination asked for.
inline constexpr std::string_view kPostcopyPreempt = "postcopy-preempt";
// The destination measures how long its processors waited for pages.
inline constexpr std::string_view kPostcopyBlocktime = "postcopy-blocktime";
// Messages from the destination to the source.
inline constexpr std::string_view kReturnPath = "return-path";
}  // namespace capability

// The capabilities to enable; what is not in it stays as QEMU has it (off, but for its defaults).
class MigrationCapabilities {
 public:
  MigrationCapabilities() = default;
  MigrationCapabilities(std::initializer_list<std::string_view> names)
      : names_(names.begin(), names.end()) {}

  // Adds a capability by its name; the binary may not know it.
  MigrationCapabilities& Enable(std::string_view name) {
    names_.emplace(name);
    return *this;
  }
  bool Has(std::string_view name) const { return names_.contains(std::string(name)); }
  bool empty() const { return names_.empty(); }
  const std::set<std::string>& names() const { return names_; }

  // The arguments of migrate-set-capabilities.
  Json ToJson() const;

 private:
  std::set<std::string> names_;
};

}  // namespace tandem
