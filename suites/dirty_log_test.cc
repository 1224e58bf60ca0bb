// SPDX-License-Identifier: Apache-2.0
// How QEMU notices the guest's writes in a live migration, when its threads run in an unlucky
// order.
#include "fixtures/delayed_processor.h"
#include "fixtures/precopy_fixture.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::Values;

// The page whose write is delayed: at the beginning of the region, which each pass sends early.
constexpr uint64_t kPage = 64;
// Passes over all memory in a third of a second, and in two.
constexpr int64_t kFast = 400'000'000, kSlow = 50'000'000;
// So much of a pass has surely sent kPage.
constexpr int64_t kBytesBeyondPage = 8 << 20;
// About 0.1 s: when kPage was written, it is not written again before the test can stop the guest.
constexpr uint32_t kPauseTicks = 300'000'000;
// The migration thread has come as far as it can when it does nothing for so long.
constexpr absl::Duration kQuiet = absl::Milliseconds(100);

using Moment = DelayedProcessor::Moment;

class DirtyLogTest : public PrecopyFixture, public ::testing::WithParamInterface<Moment> {
 protected:
  void SetUp() override {
    setup().guest.workload.pause_ticks = kPauseTicks;
    setup().destination.arguments = {"-S"};
    PrecopyFixture::SetUp();
  }

  // A slow pass over memory that the guest has written again.
  absl::Status StartSlowPass() {
    TANDEM_RETURN_IF_ERROR(Limit(kFast, /*downtime_limit_ms=*/1));
    TANDEM_RETURN_IF_ERROR(StartMigration(MigrationAddress::Unix(scratch().File("migration"))));
    TANDEM_RETURN_IF_ERROR(WaitForPass(2));
    TANDEM_RETURN_IF_ERROR(Limit(kSlow, 1));
    return source().WaitForSweeps(2, StepDeadline());
  }

  // The processor stands still before it stores the translation of kPage, until dirty bits have
  // been collected; and then before it writes kPage, until that has been sent.
  absl::Status DelayWriteToPage() {
    TANDEM_ASSIGN_OR_RETURN(auto processor,
                            DelayedProcessor::Hold(source(), GetParam(), kPage, StepDeadline()));
    TANDEM_RETURN_IF_ERROR(WaitForCollection());
    TANDEM_ASSIGN_OR_RETURN(position_, Position());
    TANDEM_ASSIGN_OR_RETURN(int64_t collected, Remaining());
    bool sends = false;
    for (int i = 0; i < DelayedProcessor::kChecks && !sends; ++i) {
      TANDEM_RETURN_IF_ERROR(processor->RunToNextCheck(StepDeadline()));
      absl::Status begun = WaitForRemaining(collected - 1, StepDeadline(kQuiet));
      if (!begun.ok() && !absl::IsDeadlineExceeded(begun)) return begun;
      sends = begun.ok();
    }
    if (!sends) return absl::FailedPreconditionError("the pass did not begin before the write");
    return WaitForRemaining(collected - kBytesBeyondPage, StepDeadline());
  }

  // Stops the guest when it has written kPage, and lets the migration end.
  absl::Status EndWithStoppedGuest() {
    TANDEM_RETURN_IF_ERROR(source().machine().Poll(
        "the guest to write the page",
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(uint64_t now, Position());
          return now > position_;
        },
        [] { return ""; }, StepDeadline()));
    TANDEM_RETURN_IF_ERROR(source().machine().Stop(StepDeadline()));
    TANDEM_RETURN_IF_ERROR(Converge());
    return WaitForCompletion();
  }

 private:
  absl::StatusOr<uint64_t> Position() {
    TANDEM_ASSIGN_OR_RETURN(TandemGuestState state, source().ReadGuestState(StepDeadline()));
    return state.position;
  }

  absl::StatusOr<int64_t> Remaining() {
    TANDEM_ASSIGN_OR_RETURN(MigrationStatistics now,
                            QueryMigration(source().machine(), StepDeadline()));
    return now.remaining_bytes.value_or(0);
  }

  // Ends the pass. That dirty bits have been collected shows in more memory that remains; the event
  // MIGRATION_PASS only comes when all processors have answered.
  absl::Status WaitForCollection() {
    TANDEM_RETURN_IF_ERROR(Limit(kFast, 1));
    TANDEM_ASSIGN_OR_RETURN(int64_t before, Remaining());
    TANDEM_RETURN_IF_ERROR(source().machine().Poll(
        "dirty bits to be collected",
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(int64_t now, Remaining());
          return now > std::exchange(before, now);
        },
        [&] { return fmt::format("{} bytes remain", before); }, StepDeadline()));
    return Limit(kSlow, 1);
  }

  absl::Status WaitForRemaining(int64_t bytes, const Deadline& deadline) {
    int64_t now = 0;
    return source().machine().Poll(
        fmt::format("{} bytes to remain", bytes),
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(now, Remaining());
          return now <= bytes;
        },
        [&] { return fmt::format("{} bytes remain", now); }, deadline);
  }

  uint64_t position_ = 0;  // in the sweep in which the processor was delayed
};

// A1, A16: a processor that gets no time while the dirty bits are collected, and again before it
// writes, loses no write.
TANDEM_COVERS(DirtyLogTest, WriteOfDelayedProcessorArrives, "A1", "A16");
TEST_P(DirtyLogTest, WriteOfDelayedProcessorArrives) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(StartSlowPass());
  TANDEM_REQUIRE_OK(DelayWriteToPage());
  TANDEM_ASSERT_OK(EndWithStoppedGuest());
  ExpectStoppedGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(DirtyLog, DirtyLogTest,
                         Values(Moment::kBeforeLookup, Moment::kBeforeTranslation),
                         [](const auto& parameter) {
                           return parameter.param == Moment::kBeforeLookup ? "BeforeLookup"
                                                                           : "BeforeTranslation";
                         });

}  // namespace
}  // namespace tandem
