// SPDX-License-Identifier: Apache-2.0
#include "bench/timing.h"

#include <chrono>
#include <vector>

#include "bench/samples.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

bool any_failed = false;

}  // namespace

void TimeEach(benchmark::State& state, const std::function<absl::Status()>& operation,
              const std::function<void()>& clean_up) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> milliseconds;
  for ([[maybe_unused]] auto iteration : state) {
    const Clock::time_point start = Clock::now();
    const absl::Status status = operation();
    const std::chrono::duration<double> taken = Clock::now() - start;
    if (clean_up) clean_up();
    if (!status.ok()) {
      Fail(state, status);
      break;
    }
    state.SetIterationTime(taken.count());
    milliseconds.push_back(taken.count() * 1000);
  }
  state.counters["median_ms"] = Median(milliseconds);
  state.counters["p99_ms"] = Percentile(milliseconds, 99);
  state.counters["max_ms"] = Percentile(milliseconds, 100);
}

void Fail(benchmark::State& state, const absl::Status& why) {
  any_failed = true;
  state.SkipWithError(Message(why).c_str());
}

bool AnyFailed() { return any_failed; }

}  // namespace tandem
