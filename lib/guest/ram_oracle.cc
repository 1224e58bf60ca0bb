// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/ram_oracle.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "lib/guest/sweeper_progress.h"

namespace tandem {
namespace {

constexpr uint64_t kChunkPages = 256;

std::string Contradiction(const char* field, uint64_t found, const char* reason,
                          uint64_t expected) {
  return fmt::format("{} is {:#x}, but {} {:#x}", field, found, reason, expected);
}

// What is wrong with the fields that never change after start-up; empty if nothing.
std::string ProblemOfConstants(const TandemGuestState& state, uint64_t ram_base) {
  if (state.magic == 0)
    return "magic is zero: the guest has not started yet, or the block was zeroed";
  if (state.magic == kTandemGuestRestartMagic)
    return "the guest was reset, and has not cleared the region yet";
  if (state.magic != kTandemGuestStateMagic) {
    return Contradiction("magic", state.magic, "must be", kTandemGuestStateMagic);
  }
  if (state.abi_version != TANDEM_GUEST_ABI_VERSION) {
    return Contradiction("abi_version", state.abi_version, "this oracle knows",
                         TANDEM_GUEST_ABI_VERSION);
  }
  const uint64_t region_gpa = ram_base + TANDEM_GUEST_REGION_OFFSET;
  if (state.region_gpa != region_gpa) {
    return Contradiction("region_gpa", state.region_gpa, "must be", region_gpa);
  }
  TandemGuestOptions options;
  if (const char* problem = TandemGuestUnpackOptions(state.option_words, &options)) {
    return fmt::format("option_words are {:#x}, {:#x}: impossible {}", state.option_words[0],
                       state.option_words[1], problem);
  }
  const TandemGuestLayout layout = TandemGuestLayoutOf(&options);
  const struct {
    const char* field;
    uint64_t found;
    uint64_t expected;
  } limits[] = {
      {"page_count", state.layout.page_count, layout.page_count},
      {"ordinary_end", state.layout.ordinary_end, layout.ordinary_end},
      {"zero_end", state.layout.zero_end, layout.zero_end},
      {"incompressible_end", state.layout.incompressible_end, layout.incompressible_end},
  };
  for (const auto& limit : limits) {
    if (limit.found != limit.expected) {
      return Contradiction(limit.field, limit.found, "the options give", limit.expected);
    }
  }
  return "";
}

// What is wrong with the fields that change; empty if nothing. The guest stores a generation just
// before it moves the position into it, and sets the devices in between.
std::string ProblemOfProgress(const TandemGuestState& state) {
  const uint64_t generation = state.position / state.layout.page_count;
  const uint64_t page = state.position % state.layout.page_count;
  const uint64_t last = TandemGuestLastPage(&state.layout, 0, SweepersOf(state));
  const bool is_between = state.position == 0 || page == last;
  if (state.generation != generation && !(is_between && state.generation == generation + 1)) {
    return fmt::format("generation is {}, but position {:#x} belongs to generation {}",
                       state.generation, state.position, generation);
  }
  if (state.device_generation != state.generation &&
      state.device_generation + 1 != state.generation) {
    return fmt::format("device_generation is {}, but generation is {}", state.device_generation,
                       state.generation);
  }
  if (state.in_register_window > 1)
    return fmt::format("in_register_window is {:#x}", state.in_register_window);
  if (state.error_count > 0 && (state.first_error.kind == TANDEM_GUEST_ERROR_NONE ||
                                state.first_error.kind > TANDEM_GUEST_ERROR_STATE)) {
    return fmt::format("error_count is {}, but the first error is of kind {}", state.error_count,
                       state.first_error.kind);
  }
  return ProblemOfOtherSweepers(state);
}

// Walks over the region and collects findings.
class RegionCheck {
 public:
  RegionCheck(const TandemGuestState& state, OracleReport& report)
      : layout_(state.layout),
        region_gpa_(state.region_gpa),
        sweepers_(ProgressOfSweepers(state)),
        report_(report) {}

  absl::Status Run(GuestMemory& memory, const Deadline& deadline) {
    std::vector<PageWords> chunk(std::min(kChunkPages, layout_.page_count));
    for (uint64_t first = 0; first < layout_.page_count; first += chunk.size()) {
      const std::span<PageWords> pages(
          chunk.data(), std::min<uint64_t>(chunk.size(), layout_.page_count - first));
      absl::Status status = memory.Read(region_gpa_ + first * TANDEM_GUEST_PAGE_BYTES,
                                        std::as_writable_bytes(pages), deadline);
      if (!status.ok()) return status;
      for (uint64_t i = 0; i < pages.size(); ++i) CheckPage(first + i, pages[i]);
    }
    report_.bytes_checked = report_.pages_checked * TANDEM_GUEST_PAGE_BYTES;
    return absl::OkStatus();
  }

  const std::vector<PageFinding>& findings() const { return findings_; }

 private:
  void CheckPage(uint64_t page, const PageWords& found) {
    ++report_.pages_checked;
    const SweeperProgress& sweeper =
        sweepers_[TandemGuestSweeperOf(&layout_, sweepers_.size(), page)];
    const bool in_transition = page == sweeper.page && sweeper.generation > 0;
    const uint64_t behind = page > sweeper.page && sweeper.generation > 0 ? 1 : 0;
    if (in_transition) {
      bool mixed = false;
      if (IsLegalTransition(layout_, page, sweeper.generation, found, mixed)) {
        if (mixed) report_.pages_in_transition.push_back(page);
        return;
      }
    } else {
      BuildPageAfterSweep(layout_, page, sweeper.generation - behind, expected_);
      if (std::memcmp(expected_.data(), found.data(), sizeof(PageWords)) == 0) return;
    }
    findings_.push_back(
        ClassifyPage(layout_, page, sweeper.generation - behind, in_transition, found));
    findings_.back().gpa = region_gpa_ + page * TANDEM_GUEST_PAGE_BYTES;
    if (sweepers_.size() > 1) findings_.back().sweeper = sweeper.vcpu;
  }

  const TandemGuestLayout layout_;
  const uint64_t region_gpa_;
  const std::vector<SweeperProgress> sweepers_;
  OracleReport& report_;
  PageWords expected_;
  std::vector<PageFinding> findings_;
};

}  // namespace

absl::StatusOr<TandemGuestState> ReadGuestState(GuestMemory& memory, const Deadline& deadline,
                                                uint64_t ram_base) {
  TandemGuestState state;
  const absl::Status status = memory.Read(ram_base + TANDEM_GUEST_STATE_OFFSET,
                                          std::as_writable_bytes(std::span(&state, 1)), deadline);
  if (!status.ok()) return status;
  return state;
}

absl::StatusOr<OracleReport> VerifyGuestRam(GuestMemory& memory, const Deadline& deadline,
                                            uint64_t ram_base) {
  const absl::StatusOr<TandemGuestState> state = ReadGuestState(memory, deadline, ram_base);
  if (!state.ok()) return state.status();
  OracleReport report;
  report.state_problem = ProblemOfConstants(*state, ram_base);
  if (!report.state_problem.empty()) {
    ConcludeReport({}, report);
    return report;
  }
  report.state_problem = ProblemOfProgress(*state);
  report.generation = state->generation;
  report.position = state->position;
  report.layout = state->layout;
  report.in_register_window = state->in_register_window != 0;
  report.self_check_errors = state->error_count;
  report.first_self_check_error = state->first_error;
  RegionCheck check(*state, report);
  if (const absl::Status status = check.Run(memory, deadline); !status.ok()) return status;
  ConcludeReport(check.findings(), report);
  return report;
}

}  // namespace tandem
