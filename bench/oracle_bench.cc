// SPDX-License-Identifier: Apache-2.0
// How long it takes to verify every byte of 100 MiB of guest memory.
#include <benchmark/benchmark.h>

#include "bench/bench_guest.h"
#include "bench/benchmarks.h"
#include "bench/timing.h"
#include "lib/base/status.h"
#include "lib/guest/reference_guest.h"

namespace tandem {
namespace {

constexpr absl::Duration kAnswerTime = absl::Seconds(20);

absl::Status CheckReport(const absl::StatusOr<OracleReport>& report) {
  if (!report.ok()) return report.status();
  if (report->consistent()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, "the guest's memory is not what it must be: {}",
                   report->Summary());
}

void ReportRate(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * TANDEM_GUEST_DEFAULT_PAGES *
                          TANDEM_GUEST_PAGE_BYTES);
}

// The oracle alone: no QEMU, and memory that is a memcpy away.
void VerifyBuffer(benchmark::State& state) {
  static auto* guest = [] {
    auto* swept = new ReferenceGuest(TandemGuestDefaultOptions());
    swept->RunTo(/*generation=*/2, /*page=*/TANDEM_GUEST_DEFAULT_PAGES / 2, /*store_count=*/3);
    return swept;
  }();
  TimeEach(state,
           [&] { return CheckReport(VerifyGuestRam(*guest, Deadline::After(kAnswerTime))); });
  ReportRate(state);
}

absl::Status CheckMethod(MachineMemory& memory, MachineMemory::Method wanted) {
  if (memory.method() == wanted) return absl::OkStatus();
  return absl::PermissionDeniedError(
      "process_vm_readv of QEMU is not permitted here (another user's, or ptrace_scope)");
}

// As a test does it: a guest that runs is stopped for the time of the check, and runs on.
void VerifyGuest(benchmark::State& state, MachineMemory::Method method, bool runs) {
  absl::StatusOr<std::unique_ptr<BenchGuest>> bench = BenchGuest::Start();
  if (!bench.ok()) return Fail(state, bench.status());
  MachineMemory& memory = (*bench)->guest().memory();
  memory.set_method(method);
  if (!runs) {
    absl::Status stopped = (*bench)->machine().Stop(Deadline::After(kAnswerTime));
    if (!stopped.ok()) return Fail(state, stopped);
  }
  TimeEach(state, [&]() -> absl::Status {
    TANDEM_RETURN_IF_ERROR(CheckReport((*bench)->guest().VerifyRam(Deadline::After(kAnswerTime))));
    return CheckMethod(memory, method);
  });
  ReportRate(state);
}

}  // namespace

void RegisterOracleBenchmarks() {
  auto add = [](const char* name, auto function) {
    benchmark::RegisterBenchmark(name, function)->UseManualTime()->Unit(benchmark::kMillisecond);
  };
  using Method = MachineMemory::Method;
  add("Oracle/Buffer", VerifyBuffer);
  add("Oracle/StoppedGuest/ProcessVm",
      [](benchmark::State& state) { VerifyGuest(state, Method::kProcessVm, /*runs=*/false); });
  add("Oracle/StoppedGuest/Pmemsave",
      [](benchmark::State& state) { VerifyGuest(state, Method::kPmemsave, /*runs=*/false); });
  add("Oracle/RunningGuest/ProcessVm",
      [](benchmark::State& state) { VerifyGuest(state, Method::kProcessVm, /*runs=*/true); });
  add("Oracle/RunningGuest/Pmemsave",
      [](benchmark::State& state) { VerifyGuest(state, Method::kPmemsave, /*runs=*/true); });
}

}  // namespace tandem
