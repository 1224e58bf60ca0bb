// SPDX-License-Identifier: Apache-2.0
// Precopy migration: the guest's memory is copied while the guest may still write to it.
// The guest boots from Tandem's flat ROM, which is the fastest: no test here needs firmware.
#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

class PrecopyTest : public MigrationFixture, public ::testing::WithParamInterface<MachineFamily> {
 protected:
  void SetUp() override {
    setup().family = GetParam();
    MigrationFixture::SetUp();
  }

  void ExpectGuestMoved() {
    TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
    TANDEM_ASSERT_THAT(destination(), HasConsistentState());
    TANDEM_ASSERT_THAT(destination(), MakesProgress());
  }
};

// A1: the guest runs and writes to memory that was already sent, over a unix socket.
TANDEM_COVERS(PrecopyTest, LiveGuestMovesOverUnixSocket, "A1");
TEST_P(PrecopyTest, LiveGuestMovesOverUnixSocket) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_ASSERT_OK(StartMigration(MigrationAddress::Unix(scratch().File("migration"))));
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  EXPECT_GE(statistics().passes.value_or(0), 2);
  ExpectGuestMoved();
}

// A2: the guest is stopped and moves over TCP, to a port that the destination chose.
TANDEM_COVERS(PrecopyTest, StoppedGuestMovesOverTcp, "A2");
TEST_P(PrecopyTest, StoppedGuestMovesOverTcp) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(destination(), HasConsistentState()) << "as it arrived, before it runs";
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  ExpectGuestMoved();
}

// A16: the guest arrives on a destination that was started with -S, and all RAM blocks of both are
// compared before either runs again.
TANDEM_COVERS(PrecopyTest, AllRamBlocksArrive, "A16");
TEST_P(PrecopyTest, AllRamBlocksArrive) {
  setup().guest.boot = GuestBoot::kDisk;
  setup().arguments = {"-device", "VGA"};
  setup().destination.arguments = {"-S"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  TANDEM_ASSERT_THAT(destination(), HasSameRamAs(source()));
  TANDEM_ASSERT_THAT(destination(), HasConsistentState()) << "as it arrived, before it runs";
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Precopy, PrecopyTest,
                         ::testing::Values(MachineFamily::kPc, MachineFamily::kQ35),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
