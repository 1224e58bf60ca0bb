// SPDX-License-Identifier: Apache-2.0
// Times what talks to a QEMU: each iteration by itself, because the median and the slowest say more
// than the mean.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>

#include "absl/status/status.h"

namespace tandem {

// Runs `operation` once for each iteration, `after` it `clean_up` untimed. Reports the mean as the
// manual time, and the counters median_ms, p99_ms and max_ms. The first error ends the benchmark.
// Register with UseManualTime().
void TimeEach(benchmark::State& state, const std::function<absl::Status()>& operation,
              const std::function<void()>& clean_up = nullptr);

// Ends the benchmark with an error, and the program with an exit code that is not 0.
void Fail(benchmark::State& state, const absl::Status& why);
bool AnyFailed();

}  // namespace tandem
