// SPDX-License-Identifier: Apache-2.0
// COLO: a secondary follows a primary by checkpoints and one of them takes over when the other is
// lost. Scenarios I1–I9, I11, I12, I16 and M13 of docs/scenarios.md.
//
// The guest boots from Tandem's flat ROM, which is the fastest; only the test of the shared image
// boots from a disk through the firmware. It is stopped before `migrate`, but in the RunningStart
// tests: with a running guest QEMU under TCG may leave stale memory on the secondary
// (docs/known-defects.md).
#include <fstream>
#include <iterator>

#include "fixtures/busy_vcpus.h"
#include "fixtures/colo_fixture.h"

namespace tandem {
namespace {

class ColoFailoverTest : public ColoFixture, public ::testing::WithParamInterface<ColoVariant> {
 protected:
  void SetUp() override {
    setup().family = GetParam().family();
    ColoFixture::SetUp();
  }
};
TANDEM_BUSY_VCPUS(ColoFailoverTest, 2);

TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*PlainPrimaryAtRest", "I1");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*PlainPrimaryDuring*", "I2");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*PlainSecondaryAtRest", "I3");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*PlainSecondaryDuring*", "I4");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*MultifdPrimaryAtRest", "I5");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*MultifdPrimaryDuring*", "I6");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*MultifdSecondaryAtRest", "I7");
TANDEM_COVERS_VARIANTS(ColoFailoverTest, SurvivorTakesOver, "*MultifdSecondaryDuring*", "I8");
TANDEM_COVERS(ColoFailoverTest, SurvivorTakesOver, "I9", "I11");
// I1–I9, I11: after three checkpoints the peer is lost, at rest or in the middle of a checkpoint;
// the survivor takes over with the state of the last checkpoint or a newer one of its own.
TEST_P(ColoFailoverTest, SurvivorTakesOver) {
  TANDEM_ASSERT_OK(StartColo(GetParam().transport()));
  TANDEM_ASSERT_OK(WaitForCheckpoints(3));
  if (GetParam().during_checkpoint()) {
    TANDEM_ASSERT_OK(WaitForCheckpointInProgress());
  }
  TANDEM_ASSERT_OK(FailOverTo(GetParam().survivor()));
  EXPECT_GE(takeover_position(), acknowledged_position());
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
  EXPECT_THAT(SurvivorStatus(), HasLeftColoAs(GetParam().survivor()));
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoFailoverTest, ::testing::ValuesIn(ColoVariant::All()),
                         NameOfParameter());

class ColoProcessorsTest : public ColoFixture, public ::testing::WithParamInterface<ColoVariant> {
 protected:
  ColoProcessorsTest() { setup().guest.workload.sweepers = 2; }
};
TANDEM_BUSY_VCPUS(ColoProcessorsTest, 4);

// M13: of two vCPUs on either side, both take over, each with memory and registers of the same
// moment.
TANDEM_COVERS(ColoProcessorsTest, SurvivorTakesOver, "M13");
TEST_P(ColoProcessorsTest, SurvivorTakesOver) {
  TANDEM_ASSERT_OK(StartColo(GetParam().transport()));
  TANDEM_ASSERT_OK(WaitForCheckpoints(3));
  TANDEM_ASSERT_OK(FailOverTo(GetParam().survivor()));
  EXPECT_GE(takeover_position(), acknowledged_position());
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(
    Colo, ColoProcessorsTest,
    ::testing::Values(ColoVariant().Over(ColoTransport::kPlain).SurvivedBy(ColoRole::kPrimary),
                      ColoVariant().Over(ColoTransport::kPlain).SurvivedBy(ColoRole::kSecondary),
                      ColoVariant().Over(ColoTransport::kMultifd).SurvivedBy(ColoRole::kPrimary),
                      ColoVariant().Over(ColoTransport::kMultifd).SurvivedBy(ColoRole::kSecondary)),
    NameOfParameter());

class ColoSharedImageTest
    : public ColoFixture,
      public ::testing::WithParamInterface<std::tuple<MachineFamily, ColoTransport>> {
 protected:
  void SetUp() override {
    setup().family = std::get<MachineFamily>(GetParam());
    setup().guest.boot = GuestBoot::kDisk;
    ColoFixture::SetUp();
  }

  absl::StatusOr<std::string> DiskImageContents() {
    absl::StatusOr<std::string> path =
        FindGuestImage(config().source_facts->target, GuestBoot::kDisk);
    if (!path.ok()) return path.status();
    std::ifstream file(*path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
};
TANDEM_BUSY_VCPUS(ColoSharedImageTest, 2);

// I12: both machines boot from one image, opened with snapshot=on; neither writes it.
TANDEM_COVERS(ColoSharedImageTest, BothOpenTheSameImage, "I12");
TEST_P(ColoSharedImageTest, BothOpenTheSameImage) {
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string before, DiskImageContents());
  ASSERT_FALSE(before.empty());
  TANDEM_ASSERT_OK(StartColo(std::get<ColoTransport>(GetParam())));
  TANDEM_ASSERT_OK(WaitForCheckpoints(3));
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string after, DiskImageContents());
  EXPECT_EQ(before, after) << "a guest image is shared by all tests and must never change";
}

INSTANTIATE_TEST_SUITE_P(
    Colo, ColoSharedImageTest,
    ::testing::Combine(::testing::Values(MachineFamily::kPc, MachineFamily::kQ35),
                       ::testing::Values(ColoTransport::kPlain, ColoTransport::kMultifd)),
    NameOfParameter());

class ColoTransportTest : public ColoFixture,
                          public ::testing::WithParamInterface<ColoTransport> {};
TANDEM_BUSY_VCPUS(ColoTransportTest, 2);

// The guest runs while COLO starts.
TANDEM_COVERS_VARIANTS(ColoTransportTest, RunningStart, "Plain", "I3");
TANDEM_COVERS_VARIANTS(ColoTransportTest, RunningStart, "Multifd", "I7");
TEST_P(ColoTransportTest, RunningStart) {
  TANDEM_ASSERT_OK(StartColo(GetParam(), /*running_start=*/true));
  TANDEM_ASSERT_OK(WaitForCheckpoints(3));
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoTransportTest,
                         ::testing::Values(ColoTransport::kPlain, ColoTransport::kMultifd),
                         NameOfParameter());

// I11: the threads that receive a checkpoint get no CPU in the middle of it, until the secondary
// has taken over. What then still lies before them of the unfinished checkpoint must not reach the
// guest.
TANDEM_COVERS(ColoTransportTest, UnfinishedCheckpointIsDropped, "I11");
TEST_P(ColoTransportTest, UnfinishedCheckpointIsDropped) {
  TANDEM_ASSERT_OK(StartColo(GetParam()));
  TANDEM_ASSERT_OK(WaitForCheckpoints(2));
  TANDEM_REQUIRE_OK(HoldReceptionOfCheckpoint());
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

class ColoCombinationTest : public ColoFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    ColoFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (absl::Status able = RequireCapability(GetParam()); !able.ok()) {
      GTEST_SKIP() << able.message();
    }
    setup().capabilities.Enable(GetParam());
  }

  // What this QEMU makes of x-colo together with the capability; empty when it is no clear answer.
  std::string Classify(const absl::Status& started) {
    std::string message(started.message());
    bool by_migrate = message.find("migrate-set-capabilities (") != std::string::npos ||
                      message.find(": migrate (") != std::string::npos ||
                      message.find(": migrate-incoming (") != std::string::npos;
    if (QmpErrorOf(started) && by_migrate) return "refused: " + QmpErrorOf(started)->description;
    if (QmpErrorOf(started)) return "";
    if (started.code() == absl::StatusCode::kAborted) return "migration fails";
    return started.ok() ? "works" : "";
  }
};
TANDEM_BUSY_VCPUS(ColoCombinationTest, 2);

// I16: another capability beside x-colo is refused with QEMU's own words, fails the migration, or
// works as COLO does without it. A crash or a hang is none of these.
TANDEM_COVERS(ColoCombinationTest, IsRefusedOrWorks, "I16");
TEST_P(ColoCombinationTest, IsRefusedOrWorks) {
  absl::Status started = StartColo(ColoTransport::kPlain);
  std::string answer = Classify(started);
  if (answer.empty()) {
    TANDEM_ASSERT_OK(started);
  }
  Measure("x_colo_with_" + std::string(GetParam()), answer);
  if (!started.ok()) {
    ExpectErrorLine("Received invalid message ");
    ExpectErrorLine("Can't receive COLO message: ");
    EXPECT_TRUE(primary().machine().alive());
    EXPECT_TRUE(secondary().machine().alive());
    return;
  }
  TANDEM_ASSERT_OK(WaitForCheckpoints(3));
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoCombinationTest,
                         ::testing::Values("postcopy-ram", "xbzrle", "auto-converge", "mapped-ram",
                                           "background-snapshot", "x-ignore-shared",
                                           "zero-copy-send"),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
