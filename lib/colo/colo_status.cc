// SPDX-License-Identifier: Apache-2.0
#include "lib/colo/colo_status.h"

#include "lib/base/status.h"

namespace tandem {

std::string_view ColoRoleName(ColoRole role) {
  return role == ColoRole::kPrimary ? "primary" : "secondary";
}

ColoRole PeerOf(ColoRole role) {
  return role == ColoRole::kPrimary ? ColoRole::kSecondary : ColoRole::kPrimary;
}

absl::StatusOr<ColoStatus> QueryColoStatus(Machine& machine, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(Json reply, machine.qmp().Execute("query-colo-status", deadline));
  return ColoStatus{.mode = reply["mode"].Text(),
                    .last_mode = reply["last-mode"].Text(),
                    .reason = reply["reason"].Text()};
}

}  // namespace tandem
