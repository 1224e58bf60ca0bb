// SPDX-License-Identifier: Apache-2.0
// A background snapshot: the machine as it was at one moment, saved while its guest runs on.
#include <spdlog/fmt/fmt.h>

#include <filesystem>

#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

class SnapshotTest : public PrecopyFixture {
 protected:
  // Saves the running source and returns when the file is complete; the guest runs on. Its name
  // appears when the command that writes it is done, which is after QEMU is.
  absl::Status SaveInBackground(const std::string& file) {
    TANDEM_RETURN_IF_ERROR(LackIf("not supported by host kernel", Negotiate()));
    TANDEM_RETURN_IF_ERROR(
        StartMigrationTo(MigrationAddress::Exec(fmt::format("cat >{0}- && mv {0}- {0}", file))));
    TANDEM_RETURN_IF_ERROR(WaitForStatus(MigrationStatus::kCompleted));
    return source().machine().Poll(
        "the end of the command that writes the snapshot",
        [&file]() -> absl::StatusOr<bool> { return std::filesystem::exists(file); },
        [] { return std::string("its file is unfinished"); }, StepDeadline());
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
  TANDEM_REQUIRE_OK(SaveInBackground(file));
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
