// SPDX-License-Identifier: Apache-2.0
// Verifies every byte of the test region of a stopped guest.
//
// The guest (guest-kernels/) says in its state block how far its endless sweep over the region has
// come; from that and from guest_abi.h follows what each word must be. Only the page under the
// guest's hand may be in one of two states, word by word. docs/guest.md tells what this does not
// see.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "lib/guest/guest_memory.h"
#include "lib/guest/oracle_report.h"
#include "tandem/guest_abi.h"

namespace tandem {

// The state block as it is, unverified. Of a running guest each field is sound by itself:
// `generation` and `position` show progress, `error_count` failed self-checks. Errors: those of
// `memory`.
absl::StatusOr<TandemGuestState> ReadGuestState(GuestMemory& memory, const Deadline& deadline,
                                                uint64_t ram_base = TANDEM_GUEST_RAM_BASE_X86_64);

// Checks the whole region; the machine must be stopped. A wrong page, a state block that makes no
// sense or a failed self-check of the guest make the report inconsistent, not the status. Errors:
// those of `memory`.
absl::StatusOr<OracleReport> VerifyGuestRam(GuestMemory& memory, const Deadline& deadline,
                                            uint64_t ram_base = TANDEM_GUEST_RAM_BASE_X86_64);

}  // namespace tandem
