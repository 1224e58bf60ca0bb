// SPDX-License-Identifier: Apache-2.0
// CPR (checkpoint and restart): another QEMU on the same host takes the guest over, and the guest's
// memory stays where it is.
#include "fixtures/cpr_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

// What QEMU says of RAM that it cannot hand over.
constexpr const char* kPrivateRam = "is not compatible with CPR";

class CprTest : public CprFixture {};

// F1: a QEMU saves its devices and quits; a new one takes over from that file and the RAM's.
TANDEM_COVERS(CprTest, GuestOutlivesARestart, "F1");
TEST_F(CprTest, GuestOutlivesARestart) {
  TANDEM_REQUIRE_OK(UseReboot());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(SaveAndQuit());
  ExpectRamWasNotSent();
  TANDEM_ASSERT_OK(Restart());
  ExpectGuestRunsOn(destination());
}

// F3: QEMU executes itself: the process stays, and the guest runs on in it.
TANDEM_COVERS(CprTest, QemuExecutesItself, "F3");
TEST_F(CprTest, QemuExecutesItself) {
  TANDEM_REQUIRE_OK(UseExec());
  TANDEM_ASSERT_OK(StartSource());
  pid_t before = source().machine().pid();
  TANDEM_ASSERT_OK(ExecuteItself());
  EXPECT_EQ(source().machine().pid(), before);
  ExpectRamWasNotSent();
  ExpectGuestRunsOn(source());
}

// F3: RAM that the next QEMU would not get is no ground to begin; the guest runs on.
TANDEM_COVERS(CprTest, QemuDoesNotExecuteItselfWithPrivateRam, "F3");
TEST_F(CprTest, QemuDoesNotExecuteItselfWithPrivateRam) {
  TANDEM_REQUIRE_OK(UseExec());
  KeepRamPrivate();
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_THAT(ExecuteItself(), QmpErrorIs("GenericError", HasSubstr(kPrivateRam)));
  ExpectGuestRunsOn(source());
}

class CprTransferTest : public CprFixture, public ::testing::WithParamInterface<CprIncoming> {};

// F2: a QEMU hands the descriptors of its RAM over to a new one.
TANDEM_COVERS(CprTransferTest, GuestRunsOnInItsRam, "F2");
TEST_P(CprTransferTest, GuestRunsOnInItsRam) {
  TANDEM_REQUIRE_OK(UseTransfer(GetParam()));
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(Transfer());
  ExpectRamWasNotSent();
  TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
  ExpectGuestRunsOn(destination());
}

// F2: RAM that the next QEMU would not get is no ground to begin; the guest runs on.
TANDEM_COVERS(CprTransferTest, PrivateRamIsRefused, "F2");
TEST_P(CprTransferTest, PrivateRamIsRefused) {
  TANDEM_REQUIRE_OK(UseTransfer(GetParam()));
  KeepRamPrivate();
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_THAT(Transfer(), QmpErrorIs("GenericError", HasSubstr(kPrivateRam)));
  ExpectEnd(destination());
  ExpectGuestRunsOn(source());
}

INSTANTIATE_TEST_SUITE_P(Cpr, CprTransferTest,
                         ::testing::Values(CprIncoming::kCommandLine, CprIncoming::kDeferred),
                         NameOfParameter());

}  // namespace
}  // namespace tandem
