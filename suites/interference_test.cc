// SPDX-License-Identifier: Apache-2.0
// What the guest and the operator do while a migration is under way: resets, power-offs, panics,
// and commands in every phase. M11 and M12 of docs/scenarios.md.
#include "fixtures/busy_vcpus.h"
#include "fixtures/colo_fixture.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;

// The guest's own doing, brought about from outside: the guest has no operating system that would.
enum class GuestEvent { kReset, kPowerOff, kPanic, kPanicAndPowerOff };

std::string ParameterName(GuestEvent event) {
  constexpr const char* kNames[] = {"Reset", "PowerOff", "Panic", "PanicAndPowerOff"};
  return kNames[static_cast<int>(event)];
}

// What QEMU makes of the event. A reset is a power-off where QEMU is told to take it for one.
std::vector<std::string> ArgumentsFor(GuestEvent event) {
  switch (event) {
    case GuestEvent::kReset:
      return {};
    case GuestEvent::kPowerOff:
      return {"-action", "reboot=shutdown"};
    case GuestEvent::kPanic:
      return {"-device", "pvpanic", "-action", "panic=pause"};
    case GuestEvent::kPanicAndPowerOff:
      return {"-device", "pvpanic", "-action", "panic=shutdown"};
  }
  return {};
}

absl::Status Cause(GuestEvent event, GuestMachine& machine, const Deadline& deadline) {
  if (event == GuestEvent::kReset || event == GuestEvent::kPowerOff) {
    return machine.qmp().Execute("system_reset", deadline).status();
  }
  // The port of the panic device, as the guest would write it.
  return machine.machine().HumanMonitor("o /b 0x505 1", deadline).status();
}

class InterferenceFixture : public MigrationFixture {
 protected:
  MigrationAddress Socket() const { return MigrationAddress::Unix(scratch().File("migration")); }

  // A live migration that has begun and does not end before Converge.
  absl::Status StartLiveMigration() {
    TANDEM_RETURN_IF_ERROR(StartMachines());
    TANDEM_RETURN_IF_ERROR(HoldBack());
    TANDEM_RETURN_IF_ERROR(StartMigration(Socket()));
    return WaitUntilSentMemoryIsDirtyAgain();
  }
  // To its end, with a guest that no longer runs.
  absl::Status FinishWithStoppedGuest() {
    TANDEM_RETURN_IF_ERROR(Converge());
    TANDEM_RETURN_IF_ERROR(migration().WaitForSourceCompletion(StepDeadline()));
    return migration().WaitForDestinationCompletion(false, StepDeadline());
  }
  // The guest says that it was started anew.
  static absl::Status WaitForRestart(GuestMachine& machine, const Deadline& deadline) {
    absl::Status swept = machine.WaitForSweeps(1'000'000, deadline);
    bool restarted = Message(swept).find("restart reset") != std::string::npos;
    return restarted ? absl::OkStatus() : swept;
  }
};

class GuestEventTest : public InterferenceFixture {};

// M11: a reset while memory is copied; the guest that arrives is the one that began anew.
TANDEM_COVERS(GuestEventTest, ResetGuestMoves, "M11");
TEST_F(GuestEventTest, ResetGuestMoves) {
  TANDEM_ASSERT_OK(StartLiveMigration());
  TANDEM_ASSERT_OK(Cause(GuestEvent::kReset, source(), StepDeadline()));
  TANDEM_ASSERT_OK(WaitForRestart(source(), StepDeadline()));
  TANDEM_ASSERT_OK(Converge());
  TANDEM_ASSERT_OK(WaitForCompletion());
  TANDEM_ASSERT_OK_AND_ASSIGN(OracleReport report, destination().VerifyRam(StepDeadline()));
  EXPECT_EQ(report.finding_count, 0u) << report.Summary();
  EXPECT_EQ(report.self_check_errors, 1u) << "the restart that it reported: " << report.Summary();
  EXPECT_THAT(destination(), MakesProgress());
}

// M11: a guest that panics is stopped, and is in the same state on the destination, byte for byte;
// a reset brings it back to life.
TANDEM_COVERS(GuestEventTest, PanickedGuestMoves, "M11");
TEST_F(GuestEventTest, PanickedGuestMoves) {
  setup().arguments = ArgumentsFor(GuestEvent::kPanic);
  TANDEM_ASSERT_OK(StartLiveMigration());
  TANDEM_ASSERT_OK(Cause(GuestEvent::kPanic, source(), StepDeadline()));
  TANDEM_ASSERT_OK(source().qmp().WaitForEvent(0, "GUEST_PANICKED", StepDeadline()));
  TANDEM_ASSERT_OK(FinishWithStoppedGuest());
  TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
  TANDEM_ASSERT_THAT(destination(), HasRunState("guest-panicked"));
  TANDEM_ASSERT_THAT(destination(), HasConsistentState());
  TANDEM_ASSERT_OK(Cause(GuestEvent::kReset, destination(), StepDeadline()));
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_OK(WaitForRestart(destination(), StepDeadline()));
}

// M11: a guest that has powered off arrives powered off where QEMU outlives that. It cannot be
// continued there, only reset.
TANDEM_COVERS(GuestEventTest, PoweredOffGuestMoves, "M11");
TEST_F(GuestEventTest, PoweredOffGuestMoves) {
  setup().arguments = {"-action", "reboot=shutdown,shutdown=pause"};
  TANDEM_ASSERT_OK(StartLiveMigration());
  TANDEM_ASSERT_OK(Cause(GuestEvent::kPowerOff, source(), StepDeadline()));
  TANDEM_ASSERT_OK(source().qmp().WaitForEvent(0, "SHUTDOWN", StepDeadline()));
  TANDEM_ASSERT_OK(FinishWithStoppedGuest());
  TANDEM_ASSERT_THAT(source(), HasRunState("postmigrate"));
  TANDEM_ASSERT_THAT(destination(), HasRunState("shutdown"));
  TANDEM_ASSERT_THAT(destination(), HasConsistentState());
  EXPECT_THAT(destination().machine().Cont(StepDeadline()),
              QmpErrorIs("GenericError", HasSubstr("Resetting the Virtual Machine is required")));
}

class GuestEndTest : public InterferenceFixture, public ::testing::WithParamInterface<GuestEvent> {
 protected:
  void SetUp() override {
    setup().arguments = ArgumentsFor(GetParam());
    InterferenceFixture::SetUp();
  }
};

// M11: the end of the guest is the orderly end of the source's QEMU, and an error to the
// destination.
TANDEM_COVERS(GuestEndTest, EndsBothSides, "M11");
TEST_P(GuestEndTest, EndsBothSides) {
  TANDEM_ASSERT_OK(StartLiveMigration());
  ExpectEnd(source());
  ExpectEnd(destination());
  ExpectErrorsOfCutStream();
  Cause(GetParam(), source(), StepDeadline()).IgnoreError();
  TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus of_source, WaitForEnd(source()));
  EXPECT_EQ(of_source.ToString(), "exit code 0");
  TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus of_destination, WaitForEnd(destination()));
  EXPECT_EQ(of_destination.ToString(), "exit code 1");
}

INSTANTIATE_TEST_SUITE_P(Interference, GuestEndTest,
                         Values(GuestEvent::kPowerOff, GuestEvent::kPanicAndPowerOff),
                         [](const auto& parameter) { return ParameterName(parameter.param); });

class ColoGuestEventTest : public ColoFixture,
                           public ::testing::WithParamInterface<std::tuple<GuestEvent, ColoRole>> {
 protected:
  void SetUp() override {
    setup().arguments = ArgumentsFor(event());
    ColoFixture::SetUp();
  }
  static GuestEvent event() { return std::get<GuestEvent>(GetParam()); }
  static ColoRole victim() { return std::get<ColoRole>(GetParam()); }
  static ColoRole survivor_role() {
    return victim() == ColoRole::kPrimary ? ColoRole::kSecondary : ColoRole::kPrimary;
  }
};

class ColoGuestEndTest : public ColoGuestEventTest {};
TANDEM_BUSY_VCPUS(ColoGuestEndTest, 2);

// M11: the guest of one side ends, and with it that QEMU, in good order; the other side takes over.
TANDEM_COVERS(ColoGuestEndTest, OtherSideTakesOver, "M11");
TEST_P(ColoGuestEndTest, OtherSideTakesOver) {
  TANDEM_ASSERT_OK(StartColo(ColoTransport::kPlain));
  TANDEM_ASSERT_OK(WaitForCheckpoints(2));
  ExpectEnd(machine(victim()));
  ExpectErrorLine("", "", recording().last_sequence());
  Cause(event(), machine(victim()), StepDeadline()).IgnoreError();
  TANDEM_ASSERT_OK_AND_ASSIGN(ExitStatus end, WaitForEnd(machine(victim())));
  TANDEM_ASSERT_THAT(end.ToString(), "exit code 0");
  TANDEM_ASSERT_OK(FailOverTo(survivor_role()));
  TANDEM_ASSERT_THAT(survivor(), HasConsistentState());
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(
    Colo, ColoGuestEndTest,
    ::testing::Combine(Values(GuestEvent::kPowerOff, GuestEvent::kPanicAndPowerOff),
                       Values(ColoRole::kPrimary, ColoRole::kSecondary)),
    [](const auto& parameter) {
      return ParameterName(std::get<GuestEvent>(parameter.param)) +
             tandem::ParameterName(ColoRoleName(std::get<ColoRole>(parameter.param)));
    });

class ColoResetTest : public ColoGuestEventTest {};
TANDEM_BUSY_VCPUS(ColoResetTest, 2);

// M11: a reset of either side is one more change that the next checkpoint carries over.
TANDEM_COVERS(ColoResetTest, CheckpointsGoOn, "M11");
TEST_P(ColoResetTest, CheckpointsGoOn) {
  TANDEM_ASSERT_OK(StartColo(ColoTransport::kPlain));
  TANDEM_ASSERT_OK(WaitForCheckpoints(2));
  EventCursor now = machine(victim()).machine().events().cursor();
  TANDEM_ASSERT_OK(Cause(GuestEvent::kReset, machine(victim()), StepDeadline()));
  TANDEM_ASSERT_OK(machine(victim()).qmp().WaitForEvent(now, "RESET", StepDeadline()));
  for (int i = 0; i < 3; ++i) TANDEM_ASSERT_OK(colo().WaitForCheckpoint(StepDeadline()));
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  TANDEM_ASSERT_OK_AND_ASSIGN(OracleReport report, survivor().VerifyRam(StepDeadline()));
  EXPECT_EQ(report.finding_count, 0u) << report.Summary();
  TANDEM_ASSERT_OK(survivor().WaitForSweepsInMemory(2, StepDeadline()));
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoResetTest,
                         ::testing::Combine(Values(GuestEvent::kReset),
                                            Values(ColoRole::kPrimary, ColoRole::kSecondary)),
                         [](const auto& parameter) {
                           return std::string(
                               tandem::ParameterName(ColoRoleName(std::get<1>(parameter.param))));
                         });

class ColoPanicTest : public ColoGuestEventTest {};
TANDEM_BUSY_VCPUS(ColoPanicTest, 2);

// M11: a guest that panics and is stopped for it. Its side may go on or stand still, but lives, and
// the other one can take over.
TANDEM_COVERS(ColoPanicTest, NobodyCrashes, "M11");
TEST_P(ColoPanicTest, NobodyCrashes) {
  TANDEM_ASSERT_OK(StartColo(ColoTransport::kPlain));
  TANDEM_ASSERT_OK(WaitForCheckpoints(2));
  TANDEM_ASSERT_OK(Cause(event(), machine(victim()), StepDeadline()));
  absl::Status checkpoint = colo().WaitForCheckpoint(StepDeadline(absl::Seconds(3)));
  if (!absl::IsDeadlineExceeded(checkpoint)) {
    TANDEM_ASSERT_OK(checkpoint);
  }
  TANDEM_ASSERT_OK(machine(victim()).machine().RunState(StepDeadline()));
  TANDEM_ASSERT_OK(FailOverTo(survivor_role()));
  TANDEM_ASSERT_THAT(survivor(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoPanicTest,
                         ::testing::Combine(Values(GuestEvent::kPanic),
                                            Values(ColoRole::kPrimary, ColoRole::kSecondary)),
                         [](const auto& parameter) {
                           return std::string(
                               tandem::ParameterName(ColoRoleName(std::get<1>(parameter.param))));
                         });

}  // namespace
}  // namespace tandem
