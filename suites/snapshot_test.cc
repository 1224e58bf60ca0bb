// SPDX-License-Identifier: Apache-2.0
// A background snapshot: the machine as it was at one moment, saved while its guest runs on.
#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

class SnapshotTest : public PrecopyFixture {
 protected:
  // Starts the machines and saves the running source; returns when that is complete. The guest runs
  // on.
  absl::Status SaveInBackground(const MigrationAddress& address) {
    TANDEM_RETURN_IF_ERROR(RequireCapability("background-snapshot"));
    setup().source.capabilities = {"background-snapshot"};
    setup().destination.arguments = {"-S"};
    TANDEM_RETURN_IF_ERROR(StartMachines());
    before_ = PositionOf(source());
    TANDEM_RETURN_IF_ERROR(LackIf("not supported by host kernel", Negotiate()));
    TANDEM_RETURN_IF_ERROR(LackIf("migration protocol", StartMigrationTo(address)));
    return WaitForStatus(MigrationStatus::kCompleted);
  }
  // The guest that was saved runs on, unharmed, and what was saved is one moment in between.
  void ExpectOneMomentIn(const MigrationAddress& saved) {
    uint64_t after = PositionOf(source());
    TANDEM_ASSERT_THAT(source(), HasRunState("running"));
    TANDEM_ASSERT_THAT(source(), HasConsistentState());

    TANDEM_ASSERT_OK(LoadFrom(saved));
    TANDEM_ASSERT_THAT(destination(), HasConsistentState()) << "as it was saved, before it runs";
    EXPECT_GE(PositionOf(destination()), before_);
    EXPECT_LT(PositionOf(destination()), after) << "the guest wrote while it was saved";
    TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
    TANDEM_ASSERT_THAT(destination(), MakesProgress());
  }
  std::string file() const { return scratch().File("snapshot"); }

 private:
  // How far the guest of a machine has come.
  uint64_t PositionOf(GuestMachine& machine) {
    absl::StatusOr<TandemGuestState> state = machine.ReadGuestState(StepDeadline());
    TANDEM_EXPECT_OK(state);
    return state.ok() ? state->position : 0;
  }

  uint64_t before_ = 0;
};

// A15, M5: the snapshot that was taken of a running guest is the state of one moment in between,
// and the guest that it was taken of runs on, unharmed. By a command, which QEMU 7.2 can, too.
TANDEM_COVERS(SnapshotTest, BackgroundSnapshotIsOneMoment, "A15", "M5");
TEST_F(SnapshotTest, BackgroundSnapshotIsOneMoment) {
  TANDEM_REQUIRE_OK(SaveInBackground(CommandThatSaves(file())));
  TANDEM_ASSERT_OK(WaitForEndOfCommandThatSaves(file()));
  ExpectOneMomentIn(MigrationAddress::Exec("cat " + file()));
}

// A15, M5: the same by `file:`.
TANDEM_COVERS(SnapshotTest, BackgroundSnapshotInAFileIsOneMoment, "A15", "M5");
TEST_F(SnapshotTest, BackgroundSnapshotInAFileIsOneMoment) {
  TANDEM_REQUIRE_OK(SaveInBackground(MigrationAddress::File(file())));
  ExpectOneMomentIn(MigrationAddress::File(file()));
}

}  // namespace
}  // namespace tandem
