// SPDX-License-Identifier: Apache-2.0
// main() of the benchmarks: Google Benchmark's, and more honest. Wrong settings are one sentence
// and exit code 2; a benchmark that failed, or a filter that matches none, is exit code 1. Without
// a QEMU those that need one fail.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

#include "bench/bench_guest.h"
#include "bench/benchmarks.h"
#include "bench/timing.h"
#include "lib/base/environment.h"
#include "lib/base/status.h"

namespace {

constexpr int kWrongSettings = 2;

// What nobody named is not there, which is no wrong setting.
bool IsMissing(const absl::Status& status) {
  bool is_named = false;
  for (const char* variable : {"TANDEM_QEMU_SRC", "TANDEM_QEMU", "QTEST_QEMU_BINARY_SRC",
                               "QTEST_QEMU_BINARY", "TANDEM_GUEST_IMAGES"}) {
    is_named = is_named || tandem::EnvironmentValue(variable);
  }
  return absl::IsNotFound(status) && !is_named;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return kWrongSettings;
  tandem::TimeoutFactor();  // ends the process when it is nonsense
  absl::StatusOr<const tandem::BenchSettings*> settings = tandem::BenchSettings::Get();
  if (settings.ok()) {
    benchmark::AddCustomContext("qemu", (*settings)->facts->version);
    benchmark::AddCustomContext("accelerator", (*settings)->accelerator);
  } else if (!IsMissing(settings.status())) {
    std::fprintf(stderr, "tandem_bench: %s\n", tandem::Message(settings.status()).c_str());
    return kWrongSettings;
  }
  tandem::RegisterOracleBenchmarks();
  tandem::RegisterQmpBenchmarks();
  tandem::RegisterStartBenchmarks();
  const size_t matched = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return matched == 0 || tandem::AnyFailed() ? EXIT_FAILURE : EXIT_SUCCESS;
}
