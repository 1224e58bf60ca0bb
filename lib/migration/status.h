// SPDX-License-Identifier: Apache-2.0
// QAPI MigrationStatus as a type.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

enum class MigrationStatus {
  kNone,  // no migration yet
  kSetup,
  kCancelling,
  kCancelled,
  kActive,
  kPostcopyActive,
  kPostcopyPaused,
  kPostcopyRecoverSetup,
  kPostcopyRecover,
  kCompleted,
  kFailing,
  kFailed,
  kColo,
  kPreSwitchover,
  kDevice,
  kWaitUnplug,
  kUnknown,  // a status that a newer QEMU invented
};

std::string_view MigrationStatusName(MigrationStatus status);
MigrationStatus ParseMigrationStatus(std::string_view name);

// True for the statuses that no migration leaves by itself: completed, failed, cancelled.
bool IsFinal(MigrationStatus status);

}  // namespace tandem
