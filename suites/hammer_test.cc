// SPDX-License-Identifier: Apache-2.0
// Commands over QMP that come in every phase of a migration, as fast as they are answered: none may
// hang or crash QEMU, and the guest arrives whole. M12 of docs/scenarios.md.
#include "fixtures/busy_listener.h"
#include "fixtures/colo_fixture.h"
#include "fixtures/parameter_name.h"
#include "fixtures/postcopy_fixture.h"

namespace tandem {
namespace {

using ::testing::Combine;
using ::testing::Values;

// When the commands come.
enum class Phase {
  kSetup,
  kActive,
  kPreSwitchover,
  kSwitchover,
  kCompleted,
  kCancelling,
  kCancelled,
  kFailed
};

std::string ParameterName(Phase phase) {
  constexpr const char* kNames[] = {"Setup",     "Active",     "PreSwitchover", "Switchover",
                                    "Completed", "Cancelling", "Cancelled",     "Failed"};
  return kNames[static_cast<int>(phase)];
}

// What comes: every query-* command of the binary, `stop` and `cont`, or `system_reset`.
enum class Commands { kQueries, kStopAndCont, kReset };

std::string ParameterName(Commands commands) {
  constexpr const char* kNames[] = {"Queries", "StopAndCont", "Reset"};
  return kNames[static_cast<int>(commands)];
}

std::vector<std::string> CommandNames(Commands commands, const QmpSchema& schema) {
  if (commands == Commands::kReset) return {"system_reset", "query-status"};
  if (commands == Commands::kStopAndCont) return {"stop", "cont"};
  std::vector<std::string> names;
  for (const std::string& name : schema.Commands()) {
    if (name.starts_with("query-")) names.push_back(name);
  }
  return names;
}

// Sends commands to machines, which it refers to.
class Hammer {
 public:
  Hammer(std::vector<GuestMachine*> machines, std::vector<std::string> names)
      : machines_(std::move(machines)), names_(std::move(names)) {}

  // Each command once to each machine that lives, sent before any answer is read. QEMU may refuse
  // one, but must answer all, unless the test expects its end.
  absl::Status Once(const Deadline& deadline) {
    std::vector<std::pair<GuestMachine*, PendingReply>> asked;
    for (const std::string& name : names_) {
      for (GuestMachine* machine : machines_) {
        if (!machine->machine().process().running()) continue;
        auto pending = machine->qmp().Send(name, Json(), false, {}, deadline);
        if (IsExpectedEnd(*machine, pending.status())) continue;
        TANDEM_RETURN_IF_ERROR(pending.status());
        asked.emplace_back(machine, *pending);
      }
    }
    for (auto& [machine, pending] : asked) {
      absl::Status answered = machine->qmp().Receive(pending, deadline).status();
      if (IsExpectedEnd(*machine, answered)) continue;
      if (!answered.ok() && !QmpErrorOf(answered)) return answered;
      ++answers_;
    }
    return absl::OkStatus();
  }
  absl::Status Rounds(const Deadline& deadline) {
    for (int i = 0; i < kRounds; ++i) TANDEM_RETURN_IF_ERROR(Once(deadline));
    return absl::OkStatus();
  }

  int64_t answers() const { return answers_; }

 private:
  // A destination ends some time after its source has cancelled.
  static bool IsExpectedEnd(const GuestMachine& machine, const absl::Status& status) {
    return absl::IsUnavailable(status) && machine.machine().process().exit_expected();
  }

  static constexpr int kRounds = 10;
  const std::vector<GuestMachine*> machines_;
  const std::vector<std::string> names_;
  int64_t answers_ = 0;
};

// The guest runs, and all its memory is right. One that was reset has begun anew, and says so.
void ExpectWhole(GuestMachine& machine, Commands commands, const Deadline& deadline) {
  if (commands != Commands::kReset) {
    TANDEM_ASSERT_THAT(machine, HasConsistentState());
    TANDEM_ASSERT_THAT(machine, MakesProgress());
    return;
  }
  TANDEM_ASSERT_OK(machine.WaitForSweepsInMemory(2, deadline));
  TANDEM_ASSERT_OK_AND_ASSIGN(OracleReport report, machine.VerifyRam(deadline));
  EXPECT_EQ(report.state_problem, "");
  EXPECT_EQ(report.finding_count, 0u) << report.Summary();
  EXPECT_EQ(report.self_check_errors, 1u) << report.Summary();
  EXPECT_EQ(report.first_self_check_error.kind, uint64_t{TANDEM_GUEST_ERROR_RESTART});
  TANDEM_ASSERT_OK(machine.WaitForSweepsInMemory(1, deadline));
}

class HammerTest : public MigrationFixture,
                   public ::testing::WithParamInterface<std::tuple<Phase, Commands>> {
 protected:
  void SetUp() override {
    if (phase() == Phase::kPreSwitchover) {
      setup().source.capabilities.Enable(capability::kPauseBeforeSwitchover);
    }
    MigrationFixture::SetUp();
  }
  static Phase phase() { return std::get<Phase>(GetParam()); }
  static Commands commands() { return std::get<Commands>(GetParam()); }
  MigrationAddress Socket() const { return MigrationAddress::Unix(scratch().File("migration")); }
  MigrationAddress Elsewhere() const { return MigrationAddress::Unix(scratch().File("elsewhere")); }
  // A destination whose stream was cut off ends.
  Hammer MakeHammer() {
    std::vector<GuestMachine*> machines = {&source()};
    if (!IsCancelled()) machines.push_back(&destination());
    return Hammer(std::move(machines), CommandNames(commands(), config().source_facts->schema));
  }

  absl::Status EnterPhase() {
    TANDEM_RETURN_IF_ERROR(HoldBack());
    switch (phase()) {
      case Phase::kSetup:
        return EnterSetup();
      case Phase::kFailed:
        return EnterFailed();
      case Phase::kCancelling:
      case Phase::kCancelled:
        ExpectErrorsOfCutStream();
        ExpectEnd(destination());
        break;
      default:
        break;
    }
    TANDEM_RETURN_IF_ERROR(StartMigration(Socket()));
    TANDEM_RETURN_IF_ERROR(WaitUntilSentMemoryIsDirtyAgain());
    if (phase() == Phase::kActive) return absl::OkStatus();
    if (phase() == Phase::kCancelled) return Cancel();
    if (phase() == Phase::kCancelling) return BeginToCancel();
    TANDEM_RETURN_IF_ERROR(Converge());
    if (phase() == Phase::kSwitchover) return absl::OkStatus();
    if (phase() == Phase::kCompleted) {
      return migration().WaitForCompletion(true, StepDeadline()).status();
    }
    return migration().WaitForStatus(MigrationStatus::kPreSwitchover, StepDeadline());
  }

  absl::Status HammerInPhase(Hammer& hammer) {
    if (phase() == Phase::kSwitchover) return HammerUntil(hammer, "completed");
    if (phase() != Phase::kCancelling) return hammer.Rounds(StepDeadline());
    TANDEM_RETURN_IF_ERROR(HammerUntil(hammer, "cancelled"));
    return source().qmp().Receive(cancel_, StepDeadline()).status();
  }
  static bool IsCancelled() {
    return phase() == Phase::kCancelling || phase() == Phase::kCancelled;
  }

  // From the phase to a migration that completes, perhaps another one.
  absl::Status GoOn() {
    if (phase() == Phase::kSetup) {
      busy_.reset();
      TANDEM_RETURN_IF_ERROR(WaitForFailure().status());
    }
    if (phase() == Phase::kPreSwitchover) {
      Json state = Json::Object({{"state", "pre-switchover"}});
      return source().qmp().Execute("migrate-continue", state, StepDeadline()).status();
    }
    if (IsCancelled()) TANDEM_RETURN_IF_ERROR(ReplaceDestination());
    bool is_over = phase() == Phase::kSetup || phase() == Phase::kFailed || IsCancelled();
    return is_over ? StartMigration(Socket()) : absl::OkStatus();
  }

  // To its end. What the source does then is its operator's choice: `cont` lets it run again,
  // `system_reset` brings it back to prelaunch.
  absl::Status Finish() {
    TANDEM_RETURN_IF_ERROR(Converge());
    TANDEM_RETURN_IF_ERROR(migration().WaitForStatus(MigrationStatus::kCompleted, StepDeadline()));
    TANDEM_RETURN_IF_ERROR(migration().WaitForDestinationCompletion(false, StepDeadline()));
    return destination().machine().Cont(StepDeadline());
  }

 private:
  // The answer is read when the commands behind it were sent: some meet "cancelling".
  absl::Status BeginToCancel() {
    TANDEM_ASSIGN_OR_RETURN(
        cancel_, source().qmp().Send("migrate_cancel", Json(), false, {}, StepDeadline()));
    return absl::OkStatus();
  }
  absl::Status HammerUntil(Hammer& hammer, const std::string& status) {
    Deadline deadline = StepDeadline();
    auto is_over = [&] {
      return source().machine().events().FindAfter(migration().source_cursor(),
                                                   MigrationEvent(status));
    };
    do {
      TANDEM_RETURN_IF_ERROR(hammer.Once(deadline));
      if (deadline.expired()) return absl::DeadlineExceededError("the migration is not " + status);
    } while (!is_over());
    return absl::OkStatus();
  }

  // The source connects to somebody who does not accept.
  absl::Status EnterSetup() {
    TANDEM_ASSIGN_OR_RETURN(busy_, BusyListener::Start(Elsewhere().target()));
    ExpectErrorLine("Failed to connect to ", "source");
    TANDEM_RETURN_IF_ERROR(Negotiate());
    TANDEM_RETURN_IF_ERROR(StartMigrationTo(Elsewhere()));
    return migration().WaitForStatus(MigrationStatus::kSetup, StepDeadline());
  }
  absl::Status EnterFailed() {
    ExpectErrorLine("Failed to connect to ", "source");
    TANDEM_RETURN_IF_ERROR(Negotiate());
    TANDEM_RETURN_IF_ERROR(StartMigrationTo(Elsewhere()));  // where nobody listens
    return WaitForFailure().status();
  }

  std::unique_ptr<BusyListener> busy_;
  PendingReply cancel_;
};

// M12: all commands are answered in this phase, the migration completes, or another one does, and
// what arrives is whole.
TANDEM_COVERS(HammerTest, GuestArrivesWhole, "M12");
TEST_P(HammerTest, GuestArrivesWhole) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(EnterPhase());
  Hammer hammer = MakeHammer();
  TANDEM_ASSERT_OK(HammerInPhase(hammer));
  Measure("answers", hammer.answers());
  TANDEM_ASSERT_OK(GoOn());
  TANDEM_ASSERT_OK(Finish());
  TANDEM_ASSERT_OK(source().machine().RunState(StepDeadline()));
  ExpectWhole(destination(), commands(), StepDeadline());
}

INSTANTIATE_TEST_SUITE_P(
    Hammer, HammerTest,
    Combine(Values(Phase::kSetup, Phase::kActive, Phase::kPreSwitchover, Phase::kSwitchover,
                   Phase::kCompleted, Phase::kCancelling, Phase::kCancelled, Phase::kFailed),
            Values(Commands::kQueries, Commands::kStopAndCont, Commands::kReset)),
    [](const auto& parameter) {
      return ParameterName(std::get<Commands>(parameter.param)) + "In" +
             ParameterName(std::get<Phase>(parameter.param));
    });

// Of a migration whose guest runs on the destination already.
enum class PostcopyPhase { kActive, kPaused, kRecover };

std::string ParameterName(PostcopyPhase phase) {
  constexpr const char* kNames[] = {"Active", "Paused", "Recover"};
  return kNames[static_cast<int>(phase)];
}

class PostcopyHammerTest
    : public PostcopyFixture,
      public ::testing::WithParamInterface<std::tuple<PostcopyPhase, Commands>> {
 protected:
  static PostcopyPhase phase() { return std::get<PostcopyPhase>(GetParam()); }
  static Commands commands() { return std::get<Commands>(GetParam()); }

  absl::Status RequirePhase() const {
    return phase() == PostcopyPhase::kRecover ? RequirePauseInRecovery() : absl::OkStatus();
  }
  absl::Status EnterPhase() {
    TANDEM_RETURN_IF_ERROR(StartPostcopy(MigrationAddress::Unix(scratch().File("migration"))));
    if (phase() == PostcopyPhase::kActive) return absl::OkStatus();
    TANDEM_RETURN_IF_ERROR(PauseMigration());
    if (phase() == PostcopyPhase::kPaused) return absl::OkStatus();
    return RecoverWithSilentPeers(/*first_bytes_pass=*/true);
  }
  absl::Status GoOn() {
    if (phase() == PostcopyPhase::kActive) return absl::OkStatus();
    if (phase() == PostcopyPhase::kRecover) TANDEM_RETURN_IF_ERROR(PauseBoth());
    return Recover(MigrationAddress::Unix(scratch().File("recovery")));
  }

  // No memory comes but in postcopy-active: else what needs some, or a processor that waits for
  // some, would have to wait as well.
  std::vector<std::string> ForDestination() const {
    bool memory_comes = phase() == PostcopyPhase::kActive;
    std::vector<std::string> names = CommandNames(memory_comes ? commands() : Commands::kQueries,
                                                  config().destination_facts->schema);
    // Reads all memory in QEMU's main thread.
    std::erase(names, "query-firmware-log");
    return names;
  }
  // Its guest is on the destination, and its memory is still needed: it must not be reset.
  std::vector<std::string> ForSource() const {
    return CommandNames(commands() == Commands::kReset ? Commands::kQueries : commands(),
                        config().source_facts->schema);
  }
};

// M12: the same while the guest runs on the destination and its memory is not all there.
TANDEM_COVERS(PostcopyHammerTest, GuestArrivesWhole, "M12");
TEST_P(PostcopyHammerTest, GuestArrivesWhole) {
  TANDEM_REQUIRE_OK(RequirePhase());
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_REQUIRE_OK(EnterPhase());
  Hammer of_destination({&destination()}, ForDestination());
  Hammer of_source({&source()}, ForSource());
  TANDEM_ASSERT_OK(of_destination.Rounds(StepDeadline()));
  TANDEM_ASSERT_OK(of_source.Rounds(StepDeadline()));
  TANDEM_ASSERT_OK(GoOn());
  TANDEM_ASSERT_OK(FinishPostcopy());
  ExpectWhole(destination(), commands(), StepDeadline());
}

std::string NameOfPostcopyHammer(
    const ::testing::TestParamInfo<std::tuple<PostcopyPhase, Commands>>& parameter) {
  return ParameterName(std::get<Commands>(parameter.param)) + "In" +
         ParameterName(std::get<PostcopyPhase>(parameter.param));
}

// A reset needs memory on the destination: see ForDestination.
INSTANTIATE_TEST_SUITE_P(Hammer, PostcopyHammerTest,
                         Combine(Values(PostcopyPhase::kActive),
                                 Values(Commands::kQueries, Commands::kStopAndCont,
                                        Commands::kReset)),
                         NameOfPostcopyHammer);
INSTANTIATE_TEST_SUITE_P(Interrupted, PostcopyHammerTest,
                         Combine(Values(PostcopyPhase::kPaused, PostcopyPhase::kRecover),
                                 Values(Commands::kQueries, Commands::kStopAndCont)),
                         NameOfPostcopyHammer);

class ColoHammerTest : public ColoFixture, public ::testing::WithParamInterface<Commands> {};

// M12: the same in COLO, on both sides; checkpoints go on, and the secondary can take over.
TANDEM_COVERS(ColoHammerTest, SecondaryTakesOver, "M12");
TEST_P(ColoHammerTest, SecondaryTakesOver) {
  TANDEM_ASSERT_OK(StartColo(ColoTransport::kPlain));
  TANDEM_ASSERT_OK(WaitForCheckpoints(1));
  Hammer hammer({&primary(), &secondary()},
                CommandNames(GetParam(), config().source_facts->schema));
  TANDEM_ASSERT_OK(hammer.Rounds(StepDeadline()));
  for (int i = 0; i < 2; ++i) TANDEM_ASSERT_OK(colo().WaitForCheckpoint(StepDeadline()));
  TANDEM_ASSERT_OK(FailOverTo(ColoRole::kSecondary));
  ExpectWhole(survivor(), GetParam(), StepDeadline());
}

INSTANTIATE_TEST_SUITE_P(Colo, ColoHammerTest,
                         Values(Commands::kQueries, Commands::kStopAndCont, Commands::kReset),
                         [](const auto& parameter) { return ParameterName(parameter.param); });

}  // namespace
}  // namespace tandem
