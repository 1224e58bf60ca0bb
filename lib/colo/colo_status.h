// SPDX-License-Identifier: Apache-2.0
// What query-colo-status tells (QAPI COLOStatus).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/qemu/machine.h"

namespace tandem {

// The side of COLO on which a machine began.
enum class ColoRole { kPrimary, kSecondary };

// "primary", "secondary": also the machines' roles in recordings and artifacts.
std::string_view ColoRoleName(ColoRole role);
// The other one.
ColoRole PeerOf(ColoRole role);

// COLO by the account of one machine. A value.
struct ColoStatus {
  std::string mode;       // "none", "primary", "secondary"
  std::string last_mode;  // the mode before the last failover
  std::string reason;     // "none", "request", "error", "processing"
};

// Errors: those of QmpClient::Execute.
absl::StatusOr<ColoStatus> QueryColoStatus(Machine& machine, const Deadline& deadline);

}  // namespace tandem
