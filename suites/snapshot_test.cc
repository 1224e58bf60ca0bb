// SPDX-License-Identifier: Apache-2.0
// A background snapshot: the machine as it was at one moment, saved while its guest runs on.
#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

class SnapshotTest : public PrecopyFixture {
 protected:
  // Saves the running source and returns when the stream is complete; the guest runs on.
  absl::Status SaveInBackground(const MigrationAddress& address) {
    absl::Status negotiated = Negotiate();
    if (!negotiated.ok()) return LackIf("not supported by host kernel", negotiated);
    absl::Status started = StartMigrationTo(address);
    return started.ok() ? WaitForStatus(MigrationStatus::kCompleted) : started;
  }
  // How far the guest of a machine has come.
  uint64_t PositionOf(GuestMachine& machine) {
    absl::StatusOr<TandemGuestState> state = machine.ReadGuestState(StepDeadline());
    TANDEM_EXPECT_OK(state);
    return state.ok() ? state->position : 0;
  }
};

// A15, M5: the snapshot that was taken of a running guest is the state of one moment in between,
// and the guest that it was taken of runs on, unharmed.
TANDEM_COVERS(SnapshotTest, BackgroundSnapshotIsOneMoment, "A15", "M5");
TEST_F(SnapshotTest, BackgroundSnapshotIsOneMoment) {
  TANDEM_REQUIRE_OK(RequireCapability("background-snapshot"));
  setup().source.capabilities = {"background-snapshot"};
  setup().destination.arguments = {"-S"};
  std::string file = scratch().File("snapshot");
  TANDEM_ASSERT_OK(StartMachines());
  uint64_t before = PositionOf(source());
  TANDEM_REQUIRE_OK(SaveInBackground(MigrationAddress::Exec("cat >" + file)));
  uint64_t after = PositionOf(source());
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_THAT(source(), HasConsistentState());

  TANDEM_ASSERT_OK(LoadFrom(MigrationAddress::Exec("cat " + file)));
  TANDEM_ASSERT_THAT(destination(), HasConsistentState()) << "as it was saved, before it runs";
  EXPECT_GE(PositionOf(destination()), before);
  EXPECT_LT(PositionOf(destination()), after) << "the guest wrote while it was saved";
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_THAT(destination(), MakesProgress());
}

}  // namespace
}  // namespace tandem
