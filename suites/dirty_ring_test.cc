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
// In megabytes per second. QEMU takes a rate for limited that is so close to the limit; so only a
// guest that is faster than the second figure shows that a quarter of its rate is a limit.
constexpr int64_t kTolerance = 25, kFastRate = 80;
constexpr int64_t kMegabyte = 1'000'000;

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

  // The rate of the source's guest; FailedPrecondition when no limit would show.
  absl::StatusOr<int64_t> RateOfFastGuest() {
    TANDEM_ASSIGN_OR_RETURN(int64_t rate, MeasureHighestDirtyRate());
    if (rate >= kFastRate) return rate;
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "the guest dirties {} MB/s here: a limit shows from {} MB/s on", rate,
                     kFastRate);
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
    GTEST_SKIP() << "this QEMU has no command set-vcpu-dirty-limit";
  }
  TANDEM_ASSERT_OK(StartSource());
  absl::StatusOr<int64_t> unlimited = RateOfFastGuest();
  TANDEM_REQUIRE_OK(unlimited.status());
  int64_t limit = *unlimited / 4, highest = limit + kTolerance;
  TANDEM_ASSERT_OK(
      Command(source(), "set-vcpu-dirty-limit", Json::Object({{"dirty-rate", limit}})));
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(1));
  TANDEM_ASSERT_OK(WaitForDirtyRate("a dirty rate at the limit",
                                    [highest](int64_t rate) { return rate <= highest; }));
  TANDEM_ASSERT_OK(Command(source(), "cancel-vcpu-dirty-limit"));
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(0));
  TANDEM_ASSERT_OK(WaitForDirtyRate("a dirty rate above the limit",
                                    [highest](int64_t rate) { return rate > highest; }));
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
  // Migrates, more slowly than the guest dirties its memory, until dirty-limit limits it.
  absl::Status StartLimitedMigration() {
    TANDEM_ASSIGN_OR_RETURN(int64_t rate, MeasureHighestDirtyRate());
    setup().source.parameters.others = Json::Object(
        {{"x-vcpu-dirty-limit-period", 500}, {"vcpu-dirty-limit", std::max<int64_t>(rate / 4, 1)}});
    int64_t bandwidth = std::max<int64_t>(rate / 2, 1) * kMegabyte;
    TANDEM_RETURN_IF_ERROR(Limit(bandwidth, /*downtime_limit_ms=*/1));
    TANDEM_RETURN_IF_ERROR(StartMigration(MigrationAddress::Tcp("127.0.0.1", 0)));
    return WaitUntilLimited();
  }
  // QEMU decides between two passes that it limits the guest, …
  absl::Status WaitUntilLimited() {
    for (int64_t pass = 2;; ++pass) {
      TANDEM_RETURN_IF_ERROR(WaitForPass(pass));
      absl::Status limited = ExpectLimitedVcpus(1);
      if (!absl::IsInternal(limited)) return limited;
    }
  }
  // … and makes it rest from then on, longer and longer.
  absl::Status WaitForRest() {
    MigrationStatistics now;
    return source().machine().Poll(
        "the guest to be made to rest",
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(now, QueryMigration(source().machine(), StepDeadline()));
          return now.dirty_limit_throttle_us.value_or(0) > 0;
        },
        [] { return "it does not rest"; }, StepDeadline());
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
  TANDEM_ASSERT_OK(StartLimitedMigration());
  TANDEM_ASSERT_OK(CancelAndLoseDestination());
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(0));
}

// A9: the guest moves in a second migration, after one that was cancelled and whose limit was taken
// back by hand; both limit it.
TANDEM_COVERS(DirtyLimitTest, GuestMovesAfterACancel, "A9");
TEST_F(DirtyLimitTest, GuestMovesAfterACancel) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartLimitedMigration());
  TANDEM_ASSERT_OK(CancelAndLoseDestination());
  TANDEM_ASSERT_OK(Command(source(), "cancel-vcpu-dirty-limit"));
  TANDEM_ASSERT_OK(ExpectLimitedVcpus(0));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());

  TANDEM_ASSERT_OK(ReplaceDestination());
  TANDEM_ASSERT_OK(StartLimitedMigration());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

// A9: a guest that dirties its memory fast is made to rest.
TANDEM_COVERS(DirtyLimitTest, FastGuestRests, "A9");
TEST_F(DirtyLimitTest, FastGuestRests) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(RateOfFastGuest().status());
  TANDEM_ASSERT_OK(StartLimitedMigration());
  TANDEM_ASSERT_OK(WaitForRest());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
