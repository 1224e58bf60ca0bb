// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/sweeper_progress.h"

#include <spdlog/fmt/fmt.h>

namespace tandem {
namespace {

// The position of a sweeper that has completed `generation`.
uint64_t EndOf(uint64_t generation, uint64_t vcpu, const TandemGuestState& state) {
  if (generation == 0) return 0;
  return generation * state.layout.page_count +
         TandemGuestLastPage(&state.layout, vcpu, SweepersOf(state));
}

std::string ProblemOf(const TandemGuestSweeper& sweeper, uint64_t vcpu,
                      const TandemGuestState& state) {
  const uint64_t completed = sweeper.completed;
  if (completed != state.generation && completed + 1 != state.generation) {
    return fmt::format("vCPU {} has completed sweep {}, but generation is {}", vcpu, completed,
                       state.generation);
  }
  const bool is_at_end = sweeper.position == EndOf(completed, vcpu, state);
  const bool may_be_in_next = completed + 1 == state.generation &&
                              sweeper.position / state.layout.page_count == state.generation;
  if (!is_at_end && !may_be_in_next) {
    return fmt::format("vCPU {} is at position {:#x}, but has completed sweep {} of {}", vcpu,
                       sweeper.position, completed, state.generation);
  }
  if (sweeper.in_register_window > 1) {
    return fmt::format("in_register_window of vCPU {} is {:#x}", vcpu, sweeper.in_register_window);
  }
  return "";
}

}  // namespace

uint64_t SweepersOf(const TandemGuestState& state) {
  TandemGuestOptions options;
  if (TandemGuestUnpackOptions(state.option_words, &options) != nullptr) return 1;
  return TandemGuestSweepers(&options);
}

std::vector<SweeperProgress> ProgressOfSweepers(const TandemGuestState& state) {
  const uint64_t page_count = state.layout.page_count;
  std::vector<SweeperProgress> all = {
      {0, state.position / page_count, state.position % page_count, false}};
  for (uint64_t vcpu = 1; vcpu < SweepersOf(state); ++vcpu) {
    const TandemGuestSweeper& sweeper = state.others[vcpu - 1];
    all.push_back({vcpu, sweeper.position / page_count, sweeper.position % page_count,
                   sweeper.completed == state.generation});
  }
  return all;
}

std::string ProblemOfOtherSweepers(const TandemGuestState& state) {
  std::string problem;
  for (uint64_t vcpu = 1; vcpu < SweepersOf(state) && problem.empty(); ++vcpu) {
    problem = ProblemOf(state.others[vcpu - 1], vcpu, state);
  }
  return problem;
}

std::string DescribeAwaitedSweepers(const TandemGuestState& state) {
  if (state.layout.page_count == 0 || SweepersOf(state) == 1) return "";
  std::string awaited;
  for (const SweeperProgress& sweeper : ProgressOfSweepers(state)) {
    const bool is_at_end = sweeper.vcpu == 0 && state.position == EndOf(state.generation, 0, state);
    if (sweeper.has_completed || is_at_end) continue;
    awaited += fmt::format("{}vCPU {} (at page {:#x})", awaited.empty() ? "" : ", ", sweeper.vcpu,
                           sweeper.page);
  }
  return fmt::format("sweep {} awaits {}", state.generation,
                     awaited.empty() ? "vCPU 0, which begins the next one" : awaited);
}

}  // namespace tandem
