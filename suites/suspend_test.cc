// SPDX-License-Identifier: Apache-2.0
// A guest that has suspended its machine to RAM (ACPI S3) sleeps on where it is migrated to, until
// it is woken there.
#include "fixtures/parameter_name.h"
#include "fixtures/postcopy_fixture.h"
#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;

// Wakes the guest of a machine; it must go on where it fell asleep.
void ExpectWakesUp(GuestMachine& machine, const Deadline& deadline) {
  TANDEM_ASSERT_THAT(machine, HasRunState("suspended"));
  TANDEM_ASSERT_THAT(machine, HasConsistentState()) << "asleep";
  EventCursor asleep = machine.machine().events().cursor();
  TANDEM_ASSERT_OK(machine.qmp().Execute("system_wakeup", deadline));
  TANDEM_ASSERT_OK(machine.qmp().WaitForEvent(asleep, "WAKEUP", deadline));
  TANDEM_ASSERT_THAT(machine, HasRunState("running"));
  TANDEM_ASSERT_THAT(machine, MakesProgress());
  TANDEM_ASSERT_THAT(machine, HasConsistentState());
}

class SuspendTest : public PrecopyFixture, public ::testing::WithParamInterface<MachineFamily> {
 protected:
  void SetUp() override {
    setup().family = GetParam();
    setup().guest.workload.flags = TANDEM_GUEST_FLAG_SUSPEND;
    PrecopyFixture::SetUp();
  }

  // Polls: the guest may fall asleep before QMP is negotiated, and then no event comes.
  absl::Status WaitForSuspend() {
    return source().machine().PollRunState("suspended", StepDeadline());
  }
  void ExpectWakesUp(GuestMachine& machine) { tandem::ExpectWakesUp(machine, StepDeadline()); }
};

// A6: the guest sleeps and wakes where it is, before any migration.
TANDEM_COVERS(SuspendTest, GuestSleepsAndWakes, "A6");
TEST_P(SuspendTest, GuestSleepsAndWakes) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(WaitForSuspend());
  ExpectWakesUp(source());
}

// A6: the machine is migrated while its guest sleeps.
TANDEM_COVERS(SuspendTest, GuestSleepsOnAndWakesOnDestination, "A6");
TEST_P(SuspendTest, GuestSleepsOnAndWakesOnDestination) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(WaitForSuspend());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
  ExpectWakesUp(destination());
}

// A6, M13: the same with several vCPUs, all but one of which sleep until that one starts them
// again.
TANDEM_COVERS(SuspendTest, SeveralVcpusWakeOnDestination, "A6", "M13");
TEST_P(SuspendTest, SeveralVcpusWakeOnDestination) {
  setup().guest.workload.sweepers = 3;
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(WaitForSuspend());
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  ExpectWakesUp(destination());
}

// A6: the machine of a sleeping guest is stopped, migrated, and let run.
TANDEM_COVERS(SuspendTest, StoppedWhileAsleepGuestWakesOnDestination, "A6");
TEST_P(SuspendTest, StoppedWhileAsleepGuestWakesOnDestination) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(WaitForSuspend());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(destination(), HasRunState("paused"));
  TANDEM_ASSERT_THAT(destination(), HasSameRamAs(source()));
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  ExpectWakesUp(destination());
}

// A6: with a firmware the guest could not go on, which is said before anything starts.
TANDEM_COVERS(SuspendTest, FirmwareIsRefused, "A6");
TEST_P(SuspendTest, FirmwareIsRefused) {
  setup().guest.boot = GuestBoot::kDisk;
  EXPECT_THAT(StartSource(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ROM")));
}

INSTANTIATE_TEST_SUITE_P(Suspend, SuspendTest, Values(MachineFamily::kPc, MachineFamily::kQ35),
                         NameOfParameter());

class SuspendPostcopyTest : public PostcopyFixture {
 protected:
  void SetUp() override {
    PostcopyFixture::SetUp();
    setup().guest.workload.flags |= TANDEM_GUEST_FLAG_SUSPEND;
  }
  // The source's migration reports a status.
  absl::Status Await(MigrationStatus status) {
    return migration().WaitForStatus(status, StepDeadline());
  }
};

// C3: the guest sleeps, its machine switches to postcopy, and it wakes on the destination.
TANDEM_COVERS(SuspendPostcopyTest, GuestSleepsOnThroughPostcopy, "C3");
TEST_F(SuspendPostcopyTest, GuestSleepsOnThroughPostcopy) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().PollRunState("suspended", StepDeadline()));
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_REQUIRE_OK(NegotiatePostcopy());
  TANDEM_ASSERT_OK_AND_ASSIGN(MigrationAddress address,
                              Listen(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_OK(StartMigrationTo(address));
  TANDEM_ASSERT_OK(Await(MigrationStatus::kActive));
  TANDEM_ASSERT_OK(source().qmp().Execute("migrate-start-postcopy", StepDeadline()));
  TANDEM_ASSERT_OK(Await(MigrationStatus::kPostcopyActive));
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectWakesUp(destination(), StepDeadline());
}

}  // namespace
}  // namespace tandem
