// SPDX-License-Identifier: Apache-2.0
// A failover pair of network devices: QEMU plugs the primary when the guest takes the standby, asks
// for it back before it migrates, and plugs it again on the destination, or on the source when the
// migration comes to nothing. Meanwhile the migration is in `wait-unplug`. Tandem's guest drives
// the pair (docs/guest.md, flag FAILOVER), and holds on to the primary as long as a test wants.
#include <cstddef>
#include <ostream>
#include <span>

#include "fixtures/parameter_name.h"
#include "fixtures/precopy_fixture.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;

// The hot-plug slot of the primary, and the standby. Neither has an option ROM.
const char* const kPort = "pcie-root-port,id=root,chassis=1,slot=1,bus=pcie.0";
const char* const kStandby = "virtio-net-pci,id=standby,failover=on,bus=pcie.0,romfile=";
const char* const kPrimary = "e1000e,id=primary,failover_pair_id=standby,bus=root,romfile=";
const char* const kVirtioPrimary =
    "virtio-net-pci,id=primary,failover_pair_id=standby,bus=root,romfile=";

class FailoverDeviceFixture : public PrecopyFixture {
 protected:
  // The guest flushes translations (guest_abi.h), so that only what failover adds can fail.
  void SetUp() override {
    setup().family = MachineFamily::kQ35;
    setup().guest.workload.flags =
        TANDEM_GUEST_FLAG_FAILOVER | TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
    setup().arguments = {"-device", kPort, "-device", kStandby, "-device", kPrimary};
    PrecopyFixture::SetUp();
  }
  MigrationAddress Socket() const { return MigrationAddress::Tcp("127.0.0.1", 0); }

  // Both machines; the guest has taken the standby and sees the primary.
  absl::Status StartWithPrimary() {
    TANDEM_RETURN_IF_ERROR(StartMachines());
    return WaitForPrimary(source());
  }

  // Polls the guest's memory: QEMU says nothing when it has plugged a primary.
  absl::Status WaitForPrimary(GuestMachine& machine) { return WaitForPrimaries(machine, 1); }
  absl::Status WaitForNoPrimary(GuestMachine& machine) { return WaitForPrimaries(machine, 0); }

  // Whether the guest lets go of its primary when it is asked to.
  absl::Status HoldPrimary() { return SetHold(1); }
  absl::Status LetPrimaryGo() { return SetHold(0); }

  // Migrates as far as QEMU waits for a guest that does not let go, but runs. Nobody holds the
  // migration back afterwards.
  absl::Status MigrateUntilWaiting() {
    TANDEM_RETURN_IF_ERROR(HoldPrimary());
    TANDEM_RETURN_IF_ERROR(Converge());
    return StartUntilWaiting();
  }
  absl::Status StartUntilWaiting() {
    TANDEM_RETURN_IF_ERROR(StartMigration(Socket()));
    TANDEM_RETURN_IF_ERROR(WaitForStatus(MigrationStatus::kWaitUnplug));
    return source()
        .qmp()
        .WaitForEvent(migration().source_cursor(), "UNPLUG_PRIMARY", StepDeadline())
        .status();
  }

  // The guest works with its primary, and QEMU answers that it still waits.
  absl::Status StillWaits() {
    TANDEM_RETURN_IF_ERROR(source().WaitForSweeps(2, StepDeadline()));
    TANDEM_RETURN_IF_ERROR(WaitForPrimary(source()));
    TANDEM_ASSIGN_OR_RETURN(MigrationStatistics now,
                            QueryMigration(source().machine(), StepDeadline()));
    if (now.status == MigrationStatus::kWaitUnplug) return absl::OkStatus();
    return MakeError(absl::StatusCode::kInternal, "the source does not wait: its migration is {}",
                     MigrationStatusName(now.status));
  }

  // The primary that each side has, or may plug; none if empty.
  void SetPrimaries(const std::string& of_source, const std::string& of_destination) {
    setup().arguments = {"-device", kPort, "-device", kStandby};
    if (!of_source.empty()) setup().source.arguments = {"-device", of_source};
    if (!of_destination.empty()) setup().destination.arguments = {"-device", of_destination};
  }

  // The guest and its primary are where the migration brought them.
  void ExpectMovedWithPrimary() {
    TANDEM_ASSERT_OK(destination().qmp().WaitForEvent(migration().destination_cursor(),
                                                      "FAILOVER_NEGOTIATED", StepDeadline()));
    TANDEM_ASSERT_OK(WaitForPrimary(destination()));
    EXPECT_EQ(PrimariesOf(source()), 0u);
    ExpectGuestMoved();
  }

  // The migration came to nothing: the guest has its primary again, and migrates as ever.
  void ExpectBackWithPrimary() {
    TANDEM_ASSERT_OK(source().machine().PollRunState("running", StepDeadline()));
    TANDEM_ASSERT_OK(WaitForPrimary(source()));
    TANDEM_ASSERT_THAT(source(), HasConsistentState());
    setup().source.capabilities = setup().capabilities = {};
    TANDEM_ASSERT_OK(ReplaceDestination());
    TANDEM_ASSERT_OK(Migrate(Socket()));
    ExpectMovedWithPrimary();
  }

 private:
  absl::StatusOr<TandemGuestFailover> Account(GuestMachine& machine) {
    TANDEM_ASSIGN_OR_RETURN(TandemGuestState state, machine.ReadGuestState(StepDeadline()));
    return state.failover;
  }
  uint64_t PrimariesOf(GuestMachine& machine) {
    absl::StatusOr<TandemGuestFailover> account = Account(machine);
    TANDEM_EXPECT_OK(account);
    return account.ok() ? account->primaries : 0;
  }
  absl::Status WaitForPrimaries(GuestMachine& machine, uint64_t wanted) {
    TandemGuestFailover last{};
    return machine.machine().Poll(
        fmt::format("the guest to see {} primaries", wanted),
        [&]() -> absl::StatusOr<bool> {
          TANDEM_ASSIGN_OR_RETURN(last, Account(machine));
          return last.primaries == wanted;
        },
        [&last] {
          return fmt::format("standby taken: {}, primaries: {}, let go of: {}", last.standby,
                             last.primaries, last.let_go);
        },
        // Where QEMU is known to plug it never again, less patience is enough.
        StepDeadline(DefectJudge::Instance().PatienceOr(absl::Seconds(30))));
  }
  absl::Status SetHold(uint64_t hold) {
    constexpr uint64_t kHold = TANDEM_GUEST_RAM_BASE_X86_64 + TANDEM_GUEST_STATE_OFFSET +
                               offsetof(TandemGuestState, failover.hold);
    return source().memory().Write(kHold, std::as_bytes(std::span(&hold, 1)), StepDeadline());
  }
};

// How the guest is asked for the primary.
enum class Unplugging { kAcpi, kSlot };

std::string ParameterName(Unplugging way) { return way == Unplugging::kAcpi ? "Acpi" : "Slot"; }
void PrintTo(Unplugging way, std::ostream* out) { *out << ParameterName(way); }

class FailoverDeviceTest : public FailoverDeviceFixture,
                           public ::testing::WithParamInterface<Unplugging> {
 protected:
  void SetUp() override {
    FailoverDeviceFixture::SetUp();
    if (GetParam() == Unplugging::kAcpi) return;
    setup().arguments.insert(setup().arguments.end(),
                             {"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"});
  }
};

// M17: QEMU waits while the guest holds on to its primary, and goes on when it lets go; the guest
// gets a primary on the destination.
TANDEM_COVERS(FailoverDeviceTest, PrimaryIsPluggedOnDestination, "M17");
TEST_P(FailoverDeviceTest, PrimaryIsPluggedOnDestination) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(HoldPrimary());
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_ASSERT_OK(StartUntilWaiting());
  TANDEM_ASSERT_OK(StillWaits());
  TANDEM_ASSERT_OK(LetPrimaryGo());
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  TANDEM_ASSERT_OK(WaitForNoPrimary(source()));
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(FinishLiveMigration());
  ExpectMovedWithPrimary();
}

// M17, G2: cancelled while the guest holds on to its primary. QEMU waits on, for at most 30 s, and
// when the guest lets go, the primary is plugged again.
TANDEM_COVERS(FailoverDeviceTest, CancelGivesThePrimaryBack, "M17", "G2");
TEST_P(FailoverDeviceTest, CancelGivesThePrimaryBack) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(MigrateUntilWaiting());
  TANDEM_ASSERT_OK(StillWaits());
  ExpectErrorsOfCutStream();
  ExpectEnd(destination());
  TANDEM_ASSERT_OK(Command(source(), "migrate_cancel"));
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kCancelling));
  TANDEM_ASSERT_THAT(source(), MakesProgress());
  TANDEM_ASSERT_OK(LetPrimaryGo());
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kCancelled));
  ExpectBackWithPrimary();
}

INSTANTIATE_TEST_SUITE_P(FailoverDevice, FailoverDeviceTest,
                         Values(Unplugging::kAcpi, Unplugging::kSlot), NameOfParameter());

class FailoverPairTest : public FailoverDeviceFixture {};

// M17, G2: cancelled, and the guest never lets go. QEMU gives up after 30 s; the guest keeps its
// primary, and is asked for it again by the next migration. It is stopped to spare the host.
TANDEM_COVERS(FailoverPairTest, CancelGivesUpOnAGuestThatHoldsOn, "M17", "G2");
TEST_F(FailoverPairTest, CancelGivesUpOnAGuestThatHoldsOn) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(MigrateUntilWaiting());
  ExpectErrorsOfCutStream();
  ExpectEnd(destination());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(Command(source(), "migrate_cancel"));
  TANDEM_ASSERT_OK(
      migration().WaitForStatus(MigrationStatus::kCancelled, StepDeadline(absl::Seconds(60))));
  TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_THAT(source(), MakesProgress());
  TANDEM_ASSERT_OK(ReplaceDestination());
  TANDEM_ASSERT_OK(StartUntilWaiting());
  TANDEM_ASSERT_OK(LetPrimaryGo());
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectMovedWithPrimary();
}

// M17: the destination is lost while the source waits. It waits on, and fails when the guest has
// let go.
TANDEM_COVERS(FailoverPairTest, LostDestinationGivesThePrimaryBack, "M17");
TEST_F(FailoverPairTest, LostDestinationGivesThePrimaryBack) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(MigrateUntilWaiting());
  ExpectErrorsOfCutStream();
  TANDEM_ASSERT_OK(destination().machine().Kill(StepDeadline()));
  TANDEM_ASSERT_OK(StillWaits());
  TANDEM_ASSERT_OK(LetPrimaryGo());
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kFailed));
  ExpectBackWithPrimary();
}

// M17: a yank is answered while the source waits, and has the same effect.
TANDEM_COVERS(FailoverPairTest, YankGivesThePrimaryBack, "M17");
TEST_F(FailoverPairTest, YankGivesThePrimaryBack) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(MigrateUntilWaiting());
  ExpectErrorsOfCutStream();
  ExpectEnd(destination());
  Json migration = Json::Array({Json::Object({{"type", "migration"}})});
  TANDEM_ASSERT_OK(
      source().qmp().ExecuteOob("yank", Json::Object({{"instances", migration}}), StepDeadline()));
  TANDEM_ASSERT_OK(StillWaits());
  TANDEM_ASSERT_OK(LetPrimaryGo());
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kFailed));
  ExpectBackWithPrimary();
}

// M17, H7: a destination whose device is no standby rejects the guest, after it has let go.
TANDEM_COVERS(FailoverPairTest, DestinationWithoutStandbyGivesThePrimaryBack, "M17", "H7");
TEST_F(FailoverPairTest, DestinationWithoutStandbyGivesThePrimaryBack) {
  setup().capabilities.Enable("return-path");
  setup().source.arguments.swap(setup().arguments);
  setup().destination.arguments = {"-device", kPort, "-device",
                                   "virtio-net-pci,id=standby,bus=pcie.0,romfile="};
  TANDEM_ASSERT_OK(StartWithPrimary());
  ExpectErrorsOfCutStream();
  ExpectErrorLine("Features 0x", "destination");
  ExpectErrorLine("Sibling indicated error ", "source");
  ExpectEnd(destination());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(StartMigration(Socket()));
  TANDEM_ASSERT_OK(WaitForFailure());
  setup().destination.arguments = setup().source.arguments;
  ExpectBackWithPrimary();
}

// M17: a stopped guest cannot let go, so the migration waits until it runs.
TANDEM_COVERS(FailoverPairTest, WaitsForAStoppedGuest, "M17");
TEST_F(FailoverPairTest, WaitsForAStoppedGuest) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(source().machine().Stop(StepDeadline()));
  TANDEM_ASSERT_OK(StartUntilWaiting());
  TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_OK(migration().WaitForSourceCompletion(StepDeadline()));
  TANDEM_ASSERT_OK(migration().WaitForDestinationCompletion(true, StepDeadline()));
  ExpectMovedWithPrimary();
}

// M17: postcopy that is asked for while the source waits begins when the guest has let go.
TANDEM_COVERS(FailoverPairTest, PostcopyBeginsWhenTheGuestHasLetGo, "M17");
TEST_F(FailoverPairTest, PostcopyBeginsWhenTheGuestHasLetGo) {
  setup().capabilities = {"postcopy-ram"};
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(MigrateUntilWaiting());
  TANDEM_ASSERT_OK(Command(source(), "migrate-start-postcopy"));
  TANDEM_ASSERT_OK(StillWaits());
  TANDEM_ASSERT_OK(LetPrimaryGo());
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kPostcopyActive));
  TANDEM_ASSERT_OK(WaitForCompletion());
  ExpectMovedWithPrimary();
}

// M17: QEMU ends at once while it waits.
TANDEM_COVERS(FailoverPairTest, QuitsWhileItWaits, "M17");
TEST_F(FailoverPairTest, QuitsWhileItWaits) {
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(MigrateUntilWaiting());
  ExpectErrorsOfCutStream();
  ExpectEnd(source());
  ExpectEnd(destination());
  TANDEM_ASSERT_OK(source().machine().Quit(StepDeadline()));
}

// M17, A15: after a background snapshot the guest, which runs on, has its primary again.
TANDEM_COVERS(FailoverPairTest, SnapshotGivesThePrimaryBack, "M17", "A15");
TEST_F(FailoverPairTest, SnapshotGivesThePrimaryBack) {
  TANDEM_REQUIRE_OK(RequireCapability("background-snapshot"));
  setup().source.capabilities = {"background-snapshot"};
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_REQUIRE_OK(LackIf("not supported by host kernel", Negotiate()));
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(StartMigrationTo(MigrationAddress::Exec("cat >/dev/null")));
  TANDEM_ASSERT_OK(WaitForStatus(MigrationStatus::kCompleted));
  TANDEM_ASSERT_THAT(source(), HasRunState("running"));
  TANDEM_ASSERT_THAT(source(), MakesProgress());
  ExpectBackWithPrimary();
}

// M17: a primary with an option ROM, as network cards have by default.
TANDEM_COVERS(FailoverPairTest, PrimaryMayHaveAnOptionRom, "M17");
TEST_F(FailoverPairTest, PrimaryMayHaveAnOptionRom) {
  setup().arguments.back() = "e1000e,id=primary,failover_pair_id=standby,bus=root";
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectMovedWithPrimary();
}

// M17: the primary does not migrate, so the destination's may be another device …
TANDEM_COVERS(FailoverPairTest, DestinationMayHaveAnotherPrimary, "M17");
TEST_F(FailoverPairTest, DestinationMayHaveAnotherPrimary) {
  SetPrimaries(kPrimary, kVirtioPrimary);
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectMovedWithPrimary();
}

// M17: … or there may be none. Then the guest has its standby.
TANDEM_COVERS(FailoverPairTest, DestinationMayHaveNoPrimary, "M17");
TEST_F(FailoverPairTest, DestinationMayHaveNoPrimary) {
  SetPrimaries(kPrimary, "");
  ExpectErrorLine("Virtio-net failover will not work. ", "destination");
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectGuestMoved();
  TANDEM_ASSERT_OK(WaitForNoPrimary(destination()));
}

// M17: a virtio primary leaves no more behind than others.
TANDEM_COVERS(FailoverPairTest, DestinationMayHaveAnotherThanVirtio, "M17");
TEST_F(FailoverPairTest, DestinationMayHaveAnotherThanVirtio) {
  SetPrimaries(kVirtioPrimary, kPrimary);
  TANDEM_ASSERT_OK(StartWithPrimary());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectMovedWithPrimary();
}

class FailoverRefusalTest : public PrecopyFixture {};

// M17: a primary must be on PCI Express, which pc has not; nothing comes of the attempt.
TANDEM_COVERS(FailoverRefusalTest, PrimaryOnPciIsRefused, "M17");
TEST_F(FailoverRefusalTest, PrimaryOnPciIsRefused) {
  TANDEM_ASSERT_OK(StartMachines());
  Json primary = Json::Object(
      {{"driver", "virtio-net-pci"}, {"id", "primary"}, {"failover_pair_id", "standby"}});
  EXPECT_THAT(Command(source(), "device_add", primary),
              QmpErrorIs("GenericError", HasSubstr("PCIExpress")));
  TANDEM_ASSERT_OK(Migrate(MigrationAddress::Tcp("127.0.0.1", 0)));
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
