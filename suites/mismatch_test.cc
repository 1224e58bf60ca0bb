// SPDX-License-Identifier: Apache-2.0
// Two machines that do not fit: the destination says why, and the guest lives on at the source. H4
// and H7 of docs/scenarios.md.
#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::Combine;
using ::testing::HasSubstr;
using ::testing::Values;

class MismatchFixture : public MigrationFixture {
 protected:
  MigrationAddress Socket() const { return MigrationAddress::Unix(scratch().File("migration")); }

  // All that the destination has said on standard error.
  std::string ErrorsOfDestination() {
    std::string said;
    for (const RecordingEntry& entry : recording().EntriesAfter(0)) {
      if (entry.kind != EntryKind::kStderr || entry.origin != "destination") continue;
      said += entry.text + "\n";
    }
    return said;
  }

  void ExpectErrorsOfFailedLoad() {
    ExpectErrorLine("", "destination");
    for (const char* error :
         {"Unable to write to socket: ", "Unable to read from socket: ", "ram_save_setup failed: ",
          "failed to save SaveStateEntry with ",
          "Failed to flush QEMUFile: ", "Sibling indicated error ", "Channel error: "}) {
      ExpectErrorLine(error, "source");
    }
  }

  // How the source's migration ends: completed, failed or cancelled.
  absl::StatusOr<MigrationStatus> WaitForEndOfMigration() {
    auto is_final = [](const QmpEvent& event) {
      return event.name == "MIGRATION" &&
             IsFinal(ParseMigrationStatus(event.data["status"].Text()));
    };
    TANDEM_ASSIGN_OR_RETURN(
        QmpEvent event, source().qmp().WaitForEvent(migration().source_cursor(), is_final,
                                                    "the end of the migration", StepDeadline()));
    return ParseMigrationStatus(event.data["status"].Text());
  }
};

constexpr const char* kOneUuid = "0f5e8a0e-4f8b-4d7e-9d64-2f0c6f1f6b01";
constexpr const char* kOtherUuid = "7c1b8a52-1f2d-4c39-8a6e-51f6d2a1e0c2";

// The UUIDs of the two machines; empty: none is set.
struct Uuids {
  const char* name;
  std::string source, destination;
  bool validate = true;
};

std::string ParameterName(const Uuids& uuids) { return uuids.name; }
void PrintTo(const Uuids& uuids, std::ostream* out) { *out << uuids.name; }

class UuidFixture : public MismatchFixture {
 protected:
  void UseUuids(const Uuids& uuids) {
    if (!uuids.source.empty()) setup().source.arguments = {"-uuid", uuids.source};
    if (!uuids.destination.empty()) setup().destination.arguments = {"-uuid", uuids.destination};
    if (!uuids.validate) return;
    TANDEM_REQUIRE_OK(RequireCapability("validate-uuid"));
    setup().capabilities.Enable("validate-uuid");
  }
};

class UuidTest : public UuidFixture, public ::testing::WithParamInterface<Uuids> {};

// H4: equal UUIDs move the guest, and so does one that is not set, or not looked at.
TANDEM_COVERS(UuidTest, GuestMoves, "H4");
TEST_P(UuidTest, GuestMoves) {
  UseUuids(GetParam());
  if (IsSkipped()) return;
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectGuestMoved();
}

INSTANTIATE_TEST_SUITE_P(Mismatch, UuidTest,
                         Values(Uuids{"Equal", kOneUuid, kOneUuid},
                                Uuids{"NoneOnSource", "", kOtherUuid},
                                Uuids{"NoneOnDestination", kOneUuid, ""},
                                Uuids{"DifferentUnchecked", kOneUuid, kOtherUuid, false}),
                         NameOfParameter());

class DifferentUuidTest : public UuidFixture {};

// H4: different UUIDs end the destination, and the guest runs on at the source.
TANDEM_COVERS(DifferentUuidTest, DestinationRefuses, "H4");
TEST_F(DifferentUuidTest, DestinationRefuses) {
  UseUuids({"", kOneUuid, kOtherUuid});
  if (IsSkipped()) return;
  TANDEM_ASSERT_OK(StartMachines());
  ExpectEnd(destination());
  ExpectErrorsOfFailedLoad();
  TANDEM_ASSERT_OK(StartMigration(Socket()));
  TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, WaitForEnd(destination()));
  EXPECT_EQ(end.ToString(), "exit code 1");
  EXPECT_THAT(ErrorsOfDestination(), HasSubstr(kOneUuid));
  TANDEM_ASSERT_OK(WaitForFailure());
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_THAT(source(), MakesProgress());
}

// What is different on the destination, and by which words it says so.
struct Mismatch {
  const char* name;
  std::vector<std::string> source_arguments, destination_arguments;
  const char* complaint;
  int destination_ram_mib = 150;
  bool other_family = false;
};

std::string ParameterName(const Mismatch& mismatch) { return mismatch.name; }
void PrintTo(const Mismatch& mismatch, std::ostream* out) { *out << mismatch.name; }

// Whether the destination can tell the source how it fares (capability return-path).
enum class ReturnPath { kNone, kOpen };

std::string ParameterName(ReturnPath path) {
  return path == ReturnPath::kOpen ? "WithReturnPath" : "";
}

class MismatchTest : public MismatchFixture,
                     public ::testing::WithParamInterface<std::tuple<Mismatch, ReturnPath>> {
 protected:
  void SetUp() override {
    setup().source.arguments = mismatch().source_arguments;
    setup().destination.arguments = mismatch().destination_arguments;
    if (return_path()) setup().capabilities.Enable(capability::kReturnPath);
    MismatchFixture::SetUp();
  }
  void ConfigureMachine(MigrationSide side, MachineOptions& options) override {
    if (side == MigrationSide::kSource || repaired_) return;
    options.ram_mib = mismatch().destination_ram_mib;
    if (!mismatch().other_family) return;
    absl::StatusOr<std::string> other = config().MachineTypeFor(MachineFamily::kQ35);
    if (other.ok()) options.machine_type = *other;
  }

  static const Mismatch& mismatch() { return std::get<Mismatch>(GetParam()); }
  static bool return_path() { return std::get<ReturnPath>(GetParam()) == ReturnPath::kOpen; }

  // A source that took the migration for completed has stopped its guest for good: `cont` is the
  // word of whoever knows better. With a return path it knows better itself.
  absl::Status ReviveSource() {
    TANDEM_ASSIGN_OR_RETURN(MigrationStatus end, WaitForEndOfMigration());
    Measure("source_ends_as", std::string(MigrationStatusName(end)));
    if (end == MigrationStatus::kFailed) {
      return source().machine().PollRunState("running", StepDeadline());
    }
    if (return_path()) {
      return MakeError(absl::StatusCode::kInternal, "with return-path the source ends as {}",
                       MigrationStatusName(end));
    }
    return source().machine().Cont(StepDeadline());
  }

  // A destination that fits takes the guest.
  void ExpectGuestMovesToAFittingDestination() {
    repaired_ = true;
    setup().destination.arguments = setup().source.arguments;
    TANDEM_ASSERT_OK(ReplaceDestination());
    TANDEM_ASSERT_OK(Migrate(Socket()));
    ExpectGuestMoved();
  }

 private:
  bool repaired_ = false;
};

// H7: the destination ends with an error that names what does not fit; the guest lives on at the
// source and moves to a destination that does.
TANDEM_COVERS(MismatchTest, GuestLivesOnAtTheSource, "H7");
TEST_P(MismatchTest, GuestLivesOnAtTheSource) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Converge());
  ExpectEnd(destination());
  ExpectErrorsOfFailedLoad();
  TANDEM_ASSERT_OK(StartMigration(Socket()));
  TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, WaitForEnd(destination()));
  EXPECT_EQ(end.ToString(), "exit code 1");
  EXPECT_THAT(ErrorsOfDestination(), HasSubstr(mismatch().complaint));
  TANDEM_ASSERT_OK(ReviveSource());
  TANDEM_ASSERT_THAT(source(), HasConsistentState());
  TANDEM_ASSERT_THAT(source(), MakesProgress());
  ExpectGuestMovesToAFittingDestination();
}

INSTANTIATE_TEST_SUITE_P(
    Mismatch, MismatchTest,
    Combine(Values(Mismatch{"RamSize", {}, {}, "mismatch: pc.ram", 160},
                   Mismatch{"MachineType", {}, {}, "Machine type received is ", 150, true},
                   Mismatch{"DeviceOnSourceOnly",
                            {"-device", "virtio-rng-pci,addr=5"},
                            {},
                            "0000:00:05.0/virtio-rng"},
                   Mismatch{"DeviceInAnotherSlot",
                            {"-device", "virtio-rng-pci,addr=5"},
                            {"-device", "virtio-rng-pci,addr=6"},
                            "0000:00:05.0/virtio-rng"}),
            Values(ReturnPath::kNone, ReturnPath::kOpen)),
    NameOfParameter());

class SurplusDeviceTest : public MismatchFixture {};

// H7: a device of which the stream says nothing stays as it was reset: QEMU lets the guest move.
TANDEM_COVERS(SurplusDeviceTest, GuestMoves, "H7");
TEST_F(SurplusDeviceTest, GuestMoves) {
  setup().destination.arguments = {"-device", "virtio-rng-pci,addr=5"};
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(Migrate(Socket()));
  ExpectGuestMoved();
}

}  // namespace
}  // namespace tandem
