// SPDX-License-Identifier: Apache-2.0
// A `stop` that has not stopped the processor yet when a migration, or COLO, takes the guest's
// state: what is sent must be the state of one moment all the same.
#include "fixtures/busy_vcpus.h"
#include "fixtures/colo_fixture.h"
#include "fixtures/precopy_fixture.h"
#include "fixtures/sending_thread.h"
#include "fixtures/unfinished_stop.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::Values;
using Registers = UnfinishedStop::Registers;

// Whether `stop` is over when the state is taken, or still waits for the processor.
enum class Stop { kAnswered, kWaiting };

std::string NameOf(const ::testing::TestParamInfo<Stop>& stop) {
  return stop.param == Stop::kAnswered ? "Answered" : "Waiting";
}

// QEMU 7.2 and 10.0 name no threads else.
const std::vector<std::string> kNamedThreads = {"-name", "debug-threads=on"};
// About 0.4 s and 10 ms.
constexpr uint32_t kLongPauseTicks = 1'200'000'000, kShortPauseTicks = 30'000'000;
// Memory that the guest writes: 5 MiB, sent in half a second, so that there is always some left, or
// in some milliseconds.
constexpr uint32_t kPages = 1280;
constexpr int64_t kSlow = 10'000'000, kFast = 1'000'000'000;

// UnfinishedStop says so too, but only when the migration is under way.
void SkipWithoutTcg(const TestConfig& config) {
  if (config.accelerator == "tcg") return;
  GTEST_SKIP() << "a processor of " << config.accelerator << " cannot be held at a write";
}

class StopTest : public PrecopyFixture, public ::testing::WithParamInterface<Stop> {
 protected:
  void SetUp() override {
    setup().guest.workload.page_count = kPages;
    setup().guest.workload.pause_ticks = kLongPauseTicks;
    setup().arguments = kNamedThreads;
    setup().destination.arguments = {"-S"};
    PrecopyFixture::SetUp();
    if (!IsSkipped() && !HasFailure()) SkipWithoutTcg(config());
  }

  // Sends `stop` when the guest has rested until nothing is left to send, and precopy is about to
  // switch over. What the guest writes then, it writes when it should have been stopped.
  absl::Status StopAtSwitchover() {
    TANDEM_RETURN_IF_ERROR(Limit(kSlow, /*downtime_limit_ms=*/1));
    TANDEM_RETURN_IF_ERROR(StartMigration(MigrationAddress::Unix(scratch().File("migration"))));
    TANDEM_RETURN_IF_ERROR(WaitForPass(2));
    TANDEM_ASSIGN_OR_RETURN(auto sender, SendingThread::Hold(source().machine(), StepDeadline()));
    TANDEM_RETURN_IF_ERROR(sender->RunToLock(StepDeadline()));
    TANDEM_RETURN_IF_ERROR(Limit(kFast, /*downtime_limit_ms=*/1));
    TANDEM_ASSIGN_OR_RETURN(uint64_t before, WaitForRest());
    TANDEM_RETURN_IF_ERROR(sender->RunToSwitchover(StepDeadline()));
    TANDEM_ASSIGN_OR_RETURN(
        auto stop, UnfinishedStop::HoldProcessor(source(), Registers::kAny, StepDeadline()));
    TANDEM_ASSIGN_OR_RETURN(uint64_t after, Sweep());
    if (after != before) {
      return absl::FailedPreconditionError("the switchover did not come while the guest rested");
    }
    TANDEM_RETURN_IF_ERROR(stop->Begin(StepDeadline()));
    if (GetParam() == Stop::kAnswered) return stop->Finish(StepDeadline());
    TANDEM_RETURN_IF_ERROR(sender->RunToCollection(StepDeadline()));
    sender.reset();
    return stop->Finish(StepDeadline());
  }

 private:
  // Returns when the guest has begun to rest, and in which sweep's end.
  absl::StatusOr<uint64_t> WaitForRest() {
    TandemGuestState now{};
    TANDEM_RETURN_IF_ERROR(source().WaitForSweeps(1, StepDeadline()));
    TANDEM_RETURN_IF_ERROR(source().machine().Poll(
        "the guest to rest",
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(now, source().ReadGuestState(StepDeadline()));
          uint64_t next_sweep = (now.generation + 1) * now.layout.page_count;
          return now.in_register_window != 0 && now.position + 1 == next_sweep;
        },
        [&] { return fmt::format("it is at {}", now.position); }, StepDeadline()));
    return now.generation;
  }
  absl::StatusOr<uint64_t> Sweep() {
    TANDEM_ASSIGN_OR_RETURN(TandemGuestState state, source().ReadGuestState(StepDeadline()));
    return state.generation;
  }
};

// M16: a migration whose switchover meets a `stop` sends all that the guest wrote.
TANDEM_COVERS(StopTest, SwitchoverTakesOneMoment, "M16");
TEST_P(StopTest, SwitchoverTakesOneMoment) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(StopAtSwitchover());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectStoppedGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Stop, StopTest, Values(Stop::kAnswered, Stop::kWaiting), NameOf);

class ColoStopTest : public ColoFixture, public ::testing::WithParamInterface<Stop> {
 protected:
  void SetUp() override {
    setup().guest.workload.pause_ticks = kShortPauseTicks;
    setup().arguments = kNamedThreads;
    ColoFixture::SetUp();
    if (!IsSkipped() && !HasFailure()) SkipWithoutTcg(config());
  }

  // Sends `stop` to the primary, then lets a checkpoint begin; returns when the secondary has it.
  absl::Status StopAtCheckpoint() {
    TANDEM_ASSIGN_OR_RETURN(auto sender, HoldBetweenCheckpoints());
    TANDEM_ASSIGN_OR_RETURN(auto stop, UnfinishedStop::HoldProcessor(
                                           primary(), Registers::kDirectionFlag, StepDeadline()));
    EventCursor before = secondary().machine().events().cursor();
    TANDEM_RETURN_IF_ERROR(AskForLastCheckpoint());
    TANDEM_RETURN_IF_ERROR(stop->Begin(StepDeadline()));
    if (GetParam() == Stop::kAnswered) {
      TANDEM_RETURN_IF_ERROR(stop->Finish(StepDeadline()));
    } else {
      TANDEM_RETURN_IF_ERROR(sender->RunToCollection(StepDeadline()));
    }
    sender.reset();
    if (GetParam() == Stop::kWaiting) TANDEM_RETURN_IF_ERROR(stop->Finish(StepDeadline()));
    return secondary().qmp().WaitForEvent(before, "RESUME", StepDeadline()).status();
  }

 private:
  absl::StatusOr<std::unique_ptr<SendingThread>> HoldBetweenCheckpoints() {
    Deadline deadline = StepDeadline();
    while (!deadline.expired()) {
      TANDEM_RETURN_IF_ERROR(WaitForCheckpoints(1));
      TANDEM_ASSIGN_OR_RETURN(auto sender, SendingThread::Hold(primary().machine(), deadline));
      TANDEM_ASSIGN_OR_RETURN(std::string state, primary().machine().RunState(deadline));
      if (state == "running") return sender;
    }
    return absl::DeadlineExceededError("the sending thread was held within checkpoints only");
  }
  // A checkpoint as soon as possible, and no other for as long as the test takes.
  absl::Status AskForLastCheckpoint() {
    Json delay = Json::Object({{"x-checkpoint-delay", 100'000}});
    return primary().qmp().Execute("migrate-set-parameters", delay, StepDeadline()).status();
  }
};
TANDEM_BUSY_VCPUS(ColoStopTest, 2);

// M16: from a checkpoint that meets a `stop`, the secondary can go on.
TANDEM_COVERS(ColoStopTest, CheckpointTakesOneMoment, "M16");
TEST_P(ColoStopTest, CheckpointTakesOneMoment) {
  TANDEM_ASSERT_OK(StartColo(ColoTransport::kPlain));
  TANDEM_REQUIRE_OK(StopAtCheckpoint());
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoStopTest, Values(Stop::kAnswered, Stop::kWaiting), NameOf);

}  // namespace
}  // namespace tandem
