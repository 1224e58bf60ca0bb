// SPDX-License-Identifier: Apache-2.0
// What the RAM oracle found: numbers, the first findings, and one line of diagnosis.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/guest/page_finding.h"

namespace tandem {

// The verdict on one stopped guest. A value.
struct OracleReport {
  static constexpr size_t kMaxFindings = 10;

  // As the state block says; the meaning is in guest_abi.h.
  uint64_t generation = 0;  // of the sweep in which the guest was stopped
  uint64_t position = 0;
  TandemGuestLayout layout = {};
  bool in_register_window = false;

  // Not empty if the state block contradicts itself. Pages are then checked only if its layout can
  // be trusted.
  std::string state_problem;

  uint64_t pages_checked = 0;
  uint64_t bytes_checked = 0;
  std::vector<uint64_t> pages_in_transition;  // which were legally half written, one by a processor

  uint64_t finding_count = 0;
  std::array<uint64_t, kFindingKinds> count_by_kind = {};  // indexed by FindingKind
  std::vector<PageFinding> findings;                       // the first kMaxFindings

  // The guest's own checks of pages, registers and devices.
  uint64_t self_check_errors = 0;
  TandemGuestError first_self_check_error = {};  // valid if self_check_errors > 0

  std::string diagnosis;  // one line

  // Nothing is wrong with the state block, any page or the guest's own checks.
  bool consistent() const {
    return state_problem.empty() && finding_count == 0 && self_check_errors == 0;
  }
  // The number of pages with a finding of this kind.
  uint64_t count(FindingKind kind) const { return count_by_kind[static_cast<size_t>(kind)]; }

  // The diagnosis, then a line for each of the first findings.
  std::string Summary() const;
};

// Files all findings of one run in `report` and writes its diagnosis.
void ConcludeReport(const std::vector<PageFinding>& findings, OracleReport& report);

// "register r12 in generation 17: expected 0x1, found 0x2"; of a page that is only old, ", stale by
// 1 generation".
std::string FormatSelfCheckError(const TandemGuestError& error);

}  // namespace tandem
