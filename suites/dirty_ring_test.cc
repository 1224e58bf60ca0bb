// SPDX-License-Identifier: Apache-2.0
// KVM's dirty ring, which each vCPU fills with the pages that it writes: instead of the dirty log,
// and as the means to limit how fast one vCPU dirties memory. Nothing here can run without KVM.
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "fixtures/precopy_fixture.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

constexpr int kMeasurements = 3;
constexpr int64_t kMegabyte = 1'000'000;
// Megabytes per second: what a guest is limited to, and what it is sent with until it is. One that
// dirties its memory more slowly is given less of both.
constexpr int64_t kLimit = 10, kLowBandwidth = 30;

// FailedPrecondition unless the kernel has dirty rings for x86: without them QEMU warns, and takes
// the dirty log.
absl::Status RequireDirtyRing(const std::string& accelerator) {
  if (accelerator != "kvm") {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "dirty rings are KVM's; the accelerator here is {}", accelerator);
  }
  UniqueFd kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (ioctl(kvm.get(), KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING) > 0) return absl::OkStatus();
  return absl::FailedPreconditionError("this kernel's KVM has no dirty rings");
}

class DirtyRingTest : public PrecopyFixture {
 protected:
  void SetUp() override {
    PrecopyFixture::SetUp();
    if (IsSkipped() || HasFailure()) return;
    TANDEM_REQUIRE_OK(RequireDirtyRing(config().accelerator));
  }
  void ConfigureMachine(MigrationSide /*side*/, MachineOptions& options) override {
    options.accelerator += ",dirty-ring-size=4096";
  }

  // Megabytes per second that the source's only vCPU dirties, measured for a second.
  absl::StatusOr<int64_t> MeasureDirtyRate() {
    Json arguments = Json::Object({{"calc-time", 1}, {"mode", "dirty-ring"}});
    TANDEM_RETURN_IF_ERROR(Command(source(), "calc-dirty-rate", arguments));
    Json reply;
    TANDEM_RETURN_IF_ERROR(source().machine().Poll(
        "the measurement of the dirty rate",
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(reply,
                                  source().qmp().Execute("query-dirty-rate", StepDeadline()));
          return reply["status"].Text() == "measured";
        },
        [&] { return reply.Dump(); }, StepDeadline()));
    return reply["vcpu-dirty-rate"][0]["dirty-rate"].Integer().value_or(0);
  }
  // The highest of some measurements: a busy host may give the guest no time in one of them.
  absl::StatusOr<int64_t> MeasureHighestDirtyRate() {
    int64_t highest = 0;
    for (int i = 0; i < kMeasurements; ++i) {
      TANDEM_ASSIGN_OR_RETURN(int64_t rate, MeasureDirtyRate());
      highest = std::max(highest, rate);
    }
    return highest;
  }
  // Measures until the highest rate is one that is wanted; QEMU approaches a limit in steps.
  absl::Status WaitForDirtyRate(const std::string& awaited,
                                const std::function<bool(int64_t)>& wanted) {
    int64_t rate = 0;
    return source().machine().Poll(
        awaited,
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(rate, MeasureHighestDirtyRate());
          return wanted(rate);
        },
        [&] { return fmt::format("{} MB/s", rate); }, StepDeadline(absl::Seconds(60)));
  }
  // Internal when another number of the source's vCPUs is held to a limit.
  absl::Status ExpectLimitedVcpus(size_t expected) {
    TANDEM_ASSIGN_OR_RETURN(Json limits,
                            source().qmp().Execute("query-vcpu-dirty-limit", StepDeadline()));
    if (limits.size() == expected) return absl::OkStatus();
    return MakeError(absl::StatusCode::kInternal,
                     "{} vCPUs of the source are held to a dirty limit, {} expected", limits.size(),
                     expected);
  }

  // Awaits that dirty-limit makes the guest rest; QEMU decides so between two passes.
  absl::Status WaitForThrottle() {
    for (int64_t pass = 2, throttle_us = 0; throttle_us == 0; ++pass) {
      TANDEM_RETURN_IF_ERROR(WaitForPass(pass));
      TANDEM_ASSIGN_OR_RETURN(MigrationStatistics now,
                              QueryMigration(source().machine(), StepDeadline()));
      throttle_us = now.dirty_limit_throttle_us.value_or(0);
    }
    return absl::OkStatus();
  }
};

// A10: dirty pages are collected from rings; a machine without them cannot measure by them.
TANDEM_COVERS(DirtyRingTest, RingTakesThePlaceOfTheLog, "A10");
TEST_F(DirtyRingTest, RingTakesThePlaceOfTheLog) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(MeasureDirtyRate());
  TANDEM_ASSERT_OK(MigrateLive(MigrationAddress::Tcp("127.0.0.1", 0)));
  ExpectGuestMoved();
}

// A11: a limit for one machine, without any migration.
TANDEM_COVERS(DirtyRingTest, VcpuIsLimitedUntilCancelled, "A11");
TEST_F(DirtyRingTest, VcpuIsLimitedUntilCancelled) {
  if (!config().source_facts->schema.HasCommand("set-vcpu-dirty-limit")) {
    GTEST_SKIP() << "this QEMU has no set-vcpu-dirty-limit";
  }
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK_AND_ASSIGN(int64_t unlimited, MeasureHighestDirtyRate());
  int64_t limit = unlimited / 4;
  ASSERT_GT(limit, 0) << unlimited << " MB/s";
  TANDEM_ASSERT_OK(
      Command(source(), "set-vcpu-dirty-limit", Json::Object({{"dirty-rate", limit}})));
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(1));
  TANDEM_ASSERT_OK(WaitForDirtyRate("a dirty rate under the limit",
                                    [limit](int64_t rate) { return rate <= limit; }));
  TANDEM_ASSERT_OK(Command(source(), "cancel-vcpu-dirty-limit"));
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(0));
  TANDEM_ASSERT_OK(WaitForDirtyRate("a dirty rate as before the limit",
                                    [limit](int64_t rate) { return rate > 2 * limit; }));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
}

class DirtyLimitTest : public DirtyRingTest {
 protected:
  void SetUp() override {
    DirtyRingTest::SetUp();
    if (IsSkipped() || HasFailure()) return;
    TANDEM_REQUIRE_OK(RequireCapability("dirty-limit"));
    setup().source.capabilities = {"dirty-limit"};
  }
  // Migrates until dirty-limit makes the guest rest; does not converge.
  absl::Status StartThrottledMigration() {
    TANDEM_ASSIGN_OR_RETURN(int64_t rate, MeasureHighestDirtyRate());
    setup().source.parameters.others =
        Json::Object({{"x-vcpu-dirty-limit-period", 500},
                      {"vcpu-dirty-limit", std::clamp<int64_t>(rate / 4, 1, kLimit)}});
    int64_t bandwidth = std::clamp<int64_t>(rate / 2, 1, kLowBandwidth);
    TANDEM_RETURN_IF_ERROR(Limit(bandwidth * kMegabyte, /*downtime_limit_ms=*/1));
    TANDEM_RETURN_IF_ERROR(StartMigration(MigrationAddress::Tcp("127.0.0.1", 0)));
    return WaitForThrottle();
  }
  absl::Status CancelAndLoseDestination() {
    ExpectEnd(destination());
    ExpectErrorsOfCutStream();
    return Cancel();
  }
};

// A9: the guest is limited, and let go when the migration is cancelled.
TANDEM_COVERS(DirtyLimitTest, CancelLetsTheGuestGo, "A9");
TEST_F(DirtyLimitTest, CancelLetsTheGuestGo) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartThrottledMigration());
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(1));
  TANDEM_ASSERT_OK(CancelAndLoseDestination());
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(0));
}

// A9: the guest moves in a second migration, after one that was cancelled and whose limit was taken
// back by hand; both limit it until they converge.
TANDEM_COVERS(DirtyLimitTest, GuestMovesAfterACancel, "A9");
TEST_F(DirtyLimitTest, GuestMovesAfterACancel) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartThrottledMigration());
  TANDEM_ASSERT_OK(CancelAndLoseDestination());
  TANDEM_ASSERT_OK(Command(source(), "cancel-vcpu-dirty-limit"));
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(0));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());

  TANDEM_ASSERT_OK(ReplaceDestination());
  TANDEM_ASSERT_OK(StartThrottledMigration());
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(1));
  TANDEM_ASSERT_OK(Limit(50 * kMegabyte, /*downtime_limit_ms=*/300));
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
