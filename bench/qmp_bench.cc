// SPDX-License-Identifier: Apache-2.0
// How long one command takes from Execute to its answer.
#include <benchmark/benchmark.h>

#include "bench/bench_guest.h"
#include "bench/benchmarks.h"
#include "bench/timing.h"

namespace tandem {
namespace {

constexpr absl::Duration kAnswerTime = absl::Seconds(20);

void QueryStatus(benchmark::State& state, bool runs) {
  absl::StatusOr<std::unique_ptr<BenchGuest>> bench = BenchGuest::Start();
  if (!bench.ok()) return Fail(state, bench.status());
  Machine& machine = (*bench)->machine();
  if (!runs) {
    absl::Status stopped = machine.Stop(Deadline::After(kAnswerTime));
    if (!stopped.ok()) return Fail(state, stopped);
  }
  TimeEach(state, [&] {
    return machine.qmp().Execute("query-status", Deadline::After(kAnswerTime)).status();
  });
}

}  // namespace

void RegisterQmpBenchmarks() {
  for (bool runs : {false, true}) {
    const char* name = runs ? "QmpRoundTrip/RunningGuest" : "QmpRoundTrip/StoppedGuest";
    benchmark::RegisterBenchmark(name,
                                 [runs](benchmark::State& state) { QueryStatus(state, runs); })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace tandem
