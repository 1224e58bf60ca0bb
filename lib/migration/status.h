// SPDX-License-Identifier: Apache-2.0
// QAPI MigrationStatus as a type.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

// What a migration is doing, by the account of one side.
enum class MigrationStatus {
  kNone,  // no migration yet
  kSetup,
  kCancelling,
  kCancelled,
  kActive,
  kPostcopyDevice,  // the device state arrives and the guest does not run yet
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

// QAPI's spelling, such as "postcopy-active"; "unknown" for kUnknown.
std::string_view MigrationStatusName(MigrationStatus status);
// The reverse: "" is kNone, a name that is not known kUnknown.
MigrationStatus ParseMigrationStatus(std::string_view name);

// True for the statuses that no migration leaves by itself: completed, failed, cancelled.
bool IsFinal(MigrationStatus status);

}  // namespace tandem
