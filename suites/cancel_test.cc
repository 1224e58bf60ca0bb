// SPDX-License-Identifier: Apache-2.0
// A migration that is cancelled leaves the source as it was: running, and able to migrate. Section
// G of docs/scenarios.md.
#include <algorithm>

#include "fixtures/defect_judge.h"
#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::_;
using ::testing::AnyOf;
using ::testing::Bool;
using ::testing::Combine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Values;

class CancelFixture : public MigrationFixture {
 protected:
  MigrationAddress Socket() const { return MigrationAddress::Unix(scratch().File("migration")); }

  // migrate_cancel; returns when it is answered.
  static absl::Status TryToCancel(GuestMachine& machine) {
    return machine.qmp().Execute("migrate_cancel", Deadline::After(absl::Seconds(10))).status();
  }

  absl::StatusOr<MigrationStatus> StatusOf(GuestMachine& machine) {
    TANDEM_ASSIGN_OR_RETURN(MigrationStatistics statistics,
                            QueryMigration(machine.machine(), StepDeadline()));
    return statistics.status;
  }

  // The source migrates as if nothing had been, to a destination that is fresh.
  void ExpectSourceStillMigrates() {
    TANDEM_ASSERT_OK(ReplaceDestination());
    TANDEM_ASSERT_OK(Migrate(Socket()));
    ExpectGuestMoved();
  }
};

class IdleCancelTest : public CancelFixture {};

// G1: there is nothing to cancel on either side; it has no effect, nor on the next migration.
TANDEM_COVERS(IdleCancelTest, HasNoEffect, "G1");
TEST_F(IdleCancelTest, HasNoEffect) {
  TANDEM_ASSERT_OK(StartMachines());
  for (GuestMachine* machine : {&source(), &destination()}) {
    TANDEM_ASSERT_OK(TryToCancel(*machine));
    EXPECT_EQ(StatusOf(*machine).value(), MigrationStatus::kNone);
  }
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectGuestMoved();
}

// G1: a destination has nothing to cancel either while it listens and while it receives.
TANDEM_COVERS(IdleCancelTest, OfTheDestinationHasNoEffect, "G1");
TEST_F(IdleCancelTest, OfTheDestinationHasNoEffect) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_ASSERT_OK(Negotiate());
  TANDEM_ASSERT_OK(Listen(Socket()));
  TANDEM_ASSERT_OK(TryToCancel(destination()));
  TANDEM_ASSERT_OK(StartMigrationTo(Socket()));
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  TANDEM_ASSERT_OK(TryToCancel(destination()));
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

// In which status the migration is cancelled, and whether it goes by multifd.
class CancelTest : public CancelFixture,
                   public ::testing::WithParamInterface<std::tuple<MigrationStatus, bool>> {
 protected:
  static MigrationStatus status() { return std::get<MigrationStatus>(GetParam()); }

  void SetUp() override {
    if (std::get<bool>(GetParam())) setup().capabilities.Enable(capability::kMultifd);
    if (status() == MigrationStatus::kPreSwitchover) {
      setup().source.capabilities.Enable(capability::kPauseBeforeSwitchover);
    }
    CancelFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    setup().exit_on_error = !RequireArgument("migrate-incoming", "exit-on-error").ok();
  }

  // Setup ends by itself, and soon: both commands are on their way before the first is answered.
  absl::Status StartAndCancelInOneBreath() {
    TANDEM_RETURN_IF_ERROR(Negotiate());
    TANDEM_RETURN_IF_ERROR(Listen(Socket()).status());
    QmpClient& qmp = source().qmp();
    Deadline deadline = StepDeadline();
    Json arguments = Json::Object({{"uri", Socket().Uri()}});
    TANDEM_ASSIGN_OR_RETURN(PendingReply started,
                            qmp.Send("migrate", arguments, false, {}, deadline));
    TANDEM_ASSIGN_OR_RETURN(PendingReply cancelled,
                            qmp.Send("migrate_cancel", Json(), false, {}, deadline));
    TANDEM_RETURN_IF_ERROR(qmp.Receive(started, deadline).status());
    return qmp.Receive(cancelled, deadline).status();
  }

  // Starts a migration that is in the parameter's status when this returns.
  absl::Status BringMigrationToStatus() {
    if (status() == MigrationStatus::kSetup) return StartAndCancelInOneBreath();
    TANDEM_RETURN_IF_ERROR(StartMigration(Socket()));
    switch (status()) {
      case MigrationStatus::kPreSwitchover:
        TANDEM_RETURN_IF_ERROR(Converge());
        break;
      case MigrationStatus::kCancelling:
      case MigrationStatus::kCancelled:
        TANDEM_RETURN_IF_ERROR(migration().WaitForStatus(MigrationStatus::kActive, StepDeadline()));
        TANDEM_RETURN_IF_ERROR(TryToCancel(source()));
        break;
      default:
        break;
    }
    return migration().WaitForStatus(status(), StepDeadline());
  }

  // The parameter's status was left for the cancel and for nothing else; the figure tells how often
  // one came late: on a busy host setup may be over before. And QEMU ends the pause of
  // pre-switchover before it says that it cancels (migration_cancel, migrate_fd_cancel of old): the
  // migration's thread may say `device` in between, but gets no further.
  void ExpectCancelledFromStatus() {
    std::vector<std::string> statuses;
    for (const QmpEvent& event :
         source().machine().events().EventsAfter(migration().source_cursor())) {
      if (event.name == "MIGRATION") statuses.push_back(event.data["status"].Text());
    }
    // A cancel while cancelling is reported once more.
    statuses.erase(std::unique(statuses.begin(), statuses.end()), statuses.end());
    auto at = std::find(statuses.begin(), statuses.end(), MigrationStatusName(status()));
    std::vector<std::string> from(at, statuses.end());
    MigrationStatus next = from.size() > 1 ? ParseMigrationStatus(from[1]) : status();
    bool late = (status() == MigrationStatus::kSetup && next == MigrationStatus::kActive) ||
                (status() == MigrationStatus::kPreSwitchover && next == MigrationStatus::kDevice);
    Measure("cancel_came_late", late);
    if (late) from.erase(from.begin());
    EXPECT_THAT(from, AnyOf(ElementsAre(_, "cancelling", "cancelled"),
                            ElementsAre("cancelling", "cancelled"), ElementsAre("cancelled")));
  }

  // A destination that was told to outlive an error is in `failed`, and quits when told; another
  // ends by itself.
  void ExpectDestinationFailed() {
    if (setup().exit_on_error) {
      TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, WaitForEnd(destination()));
      EXPECT_FALSE(end.succeeded());
      return;
    }
    TANDEM_ASSERT_OK(WaitForMigrationStatus(destination().machine(),
                                            migration().destination_cursor(),
                                            MigrationStatus::kFailed, StepDeadline()));
    EXPECT_TRUE(destination().machine().alive());
    EXPECT_THAT(destination(), HasRunState("inmigrate"));
    TANDEM_ASSERT_OK(destination().machine().Quit(StepDeadline()));
  }

  absl::Status ForgetThePause() {
    if (status() != MigrationStatus::kPreSwitchover) return absl::OkStatus();
    setup().source.capabilities = {};
    Json off = Json::Object({{"capability", capability::kPauseBeforeSwitchover}, {"state", false}});
    return source()
        .qmp()
        .Execute("migrate-set-capabilities", Json::Object({{"capabilities", Json::Array({off})}}),
                 StepDeadline())
        .status();
  }
};

// G2: cancelled in this status; the guest runs on where it is, the destination fails, and the next
// migration is as good as any.
TANDEM_COVERS(CancelTest, LeavesTheSourceRunning, "G2");
TEST_P(CancelTest, LeavesTheSourceRunning) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(HoldBack());
  ExpectErrorsOfCutStream();
  ExpectEnd(destination());
  TANDEM_ASSERT_OK(BringMigrationToStatus());
  TANDEM_ASSERT_OK(TryToCancel(source()));
  Deadline deadline = StepDeadline(DefectJudge::Instance().PatienceOr(absl::Seconds(30)));
  TANDEM_ASSERT_OK(migration().WaitForStatus(MigrationStatus::kCancelled, deadline));
  ExpectCancelledFromStatus();
  ExpectDestinationFailed();
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_OK(ForgetThePause());
  ExpectSourceStillMigrates();
}

INSTANTIATE_TEST_SUITE_P(Cancel, CancelTest,
                         Combine(Values(MigrationStatus::kSetup, MigrationStatus::kActive,
                                        MigrationStatus::kPreSwitchover,
                                        MigrationStatus::kCancelling, MigrationStatus::kCancelled),
                                 Bool()),
                         [](const auto& parameter) {
                           MigrationStatus status = std::get<0>(parameter.param);
                           return ParameterName(MigrationStatusName(status)) +
                                  (std::get<1>(parameter.param) ? "Multifd" : "");
                         });

class LateCancelTest : public CancelFixture {};

// G3: a migration that is completed stays so on both sides.
TANDEM_COVERS(LateCancelTest, CompletedStaysCompleted, "G3");
TEST_F(LateCancelTest, CompletedStaysCompleted) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  for (GuestMachine* machine : {&source(), &destination()}) {
    TANDEM_ASSERT_OK(TryToCancel(*machine));
    EXPECT_EQ(StatusOf(*machine).value(), MigrationStatus::kCompleted);
  }
  ExpectGuestMoved();
}

// G3: a migration that has failed stays so, and the source runs and migrates.
TANDEM_COVERS(LateCancelTest, FailedStaysFailed, "G3");
TEST_F(LateCancelTest, FailedStaysFailed) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Negotiate());
  ExpectErrorLine("Failed to connect to ", "source");
  TANDEM_ASSERT_OK(StartMigrationTo(Socket())) << "where nobody listens yet";
  TANDEM_ASSERT_OK(WaitForFailure());
  TANDEM_ASSERT_OK(TryToCancel(source()));
  EXPECT_EQ(StatusOf(source()).value(), MigrationStatus::kFailed);
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectGuestMoved();
}

class RepeatedMigrationTest : public CancelFixture {};

// G5: a second migration is refused on either side while one is under way, which goes on.
TANDEM_COVERS(RepeatedMigrationTest, SecondIsRefusedAndFirstGoesOn, "G5");
TEST_F(RepeatedMigrationTest, SecondIsRefusedAndFirstGoesOn) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_ASSERT_OK(StartMigration(Socket()));
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  Json elsewhere = Json::Object({{"uri", "unix:" + scratch().File("elsewhere")}});
  EXPECT_THAT(source().qmp().Execute("migrate", elsewhere, StepDeadline()),
              QmpErrorIs("GenericError", HasSubstr("migration process in progress")));
  EXPECT_THAT(destination().qmp().Execute("migrate-incoming", elsewhere, StepDeadline()),
              QmpErrorIs("GenericError", HasSubstr("already been started")));
  EXPECT_THAT(destination().qmp().Execute("migrate", elsewhere, StepDeadline()),
              QmpErrorIs("GenericError", HasSubstr("waiting for an incoming migration")));
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectGuestMoved();
}

// G6: there and back again, five times, with a guest that runs all the time.
TANDEM_COVERS(RepeatedMigrationTest, GuestMovesFiveTimes, "G6");
TEST_F(RepeatedMigrationTest, GuestMovesFiveTimes) {
  TANDEM_ASSERT_OK(StartMachines());
  for (int round = 1;; ++round) {
    SCOPED_TRACE(round);
    TANDEM_ASSERT_OK(Migrate(Socket()));
    ExpectGuestMoved();
    if (HasFatalFailure() || IsSkipped() || round == 5) return;
    TANDEM_ASSERT_OK(MoveOn());
  }
}

}  // namespace
}  // namespace tandem
