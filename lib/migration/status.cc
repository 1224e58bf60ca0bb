// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/status.h"

#include <array>
#include <utility>

namespace tandem {
namespace {

constexpr std::array<std::pair<MigrationStatus, std::string_view>, 17> kNames = {{
    {MigrationStatus::kNone, "none"},
    {MigrationStatus::kSetup, "setup"},
    {MigrationStatus::kCancelling, "cancelling"},
    {MigrationStatus::kCancelled, "cancelled"},
    {MigrationStatus::kActive, "active"},
    {MigrationStatus::kPostcopyDevice, "postcopy-device"},
    {MigrationStatus::kPostcopyActive, "postcopy-active"},
    {MigrationStatus::kPostcopyPaused, "postcopy-paused"},
    {MigrationStatus::kPostcopyRecoverSetup, "postcopy-recover-setup"},
    {MigrationStatus::kPostcopyRecover, "postcopy-recover"},
    {MigrationStatus::kCompleted, "completed"},
    {MigrationStatus::kFailing, "failing"},
    {MigrationStatus::kFailed, "failed"},
    {MigrationStatus::kColo, "colo"},
    {MigrationStatus::kPreSwitchover, "pre-switchover"},
    {MigrationStatus::kDevice, "device"},
    {MigrationStatus::kWaitUnplug, "wait-unplug"},
}};

}  // namespace

std::string_view MigrationStatusName(MigrationStatus status) {
  for (const auto& [value, name] : kNames) {
    if (value == status) return name;
  }
  return "unknown";
}

MigrationStatus ParseMigrationStatus(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return name.empty() ? MigrationStatus::kNone : MigrationStatus::kUnknown;
}

bool IsFinal(MigrationStatus status) {
  return status == MigrationStatus::kCompleted || status == MigrationStatus::kFailed ||
         status == MigrationStatus::kCancelled;
}

}  // namespace tandem
