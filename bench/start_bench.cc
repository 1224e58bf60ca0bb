// SPDX-License-Identifier: Apache-2.0
// How long it takes from the start of a QEMU to the first byte that its guest prints.
//
// As a test sees it: QMP is negotiated meanwhile, which may end later than the guest prints.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/bench_guest.h"
#include "bench/benchmarks.h"
#include "bench/timing.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

void StartToFirstByte(benchmark::State& state, MachineFamily family, GuestBoot boot) {
  std::unique_ptr<BenchGuest> bench;
  TimeEach(
      state,
      [&]() -> absl::Status {
        TANDEM_ASSIGN_OR_RETURN(bench, BenchGuest::Launch(family, boot));
        return bench->WaitForFirstByte();
      },
      [&] { bench.reset(); });
}

}  // namespace

void RegisterStartBenchmarks() {
  for (MachineFamily family : {MachineFamily::kPc, MachineFamily::kQ35}) {
    for (GuestBoot boot : {GuestBoot::kRom, GuestBoot::kDisk}) {
      const std::string name = fmt::format("StartToFirstByte/{}/{}", MachineFamilyName(family),
                                           boot == GuestBoot::kRom ? "rom" : "disk");
      benchmark::RegisterBenchmark(
          name.c_str(),
          [family, boot](benchmark::State& state) { StartToFirstByte(state, family, boot); })
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace tandem
