// SPDX-License-Identifier: Apache-2.0
// Commands over QMP that come in every phase of a migration, as fast as they are answered: none may
// hang or crash QEMU, and the guest arrives whole. M12 of docs/scenarios.md.
#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"

namespace tandem {
namespace {

using ::testing::Combine;
using ::testing::Values;

// When the commands come.
enum class Phase { kActive, kPreSwitchover, kSwitchover };

std::string ParameterName(Phase phase) {
  constexpr const char* kNames[] = {"Active", "PreSwitchover", "Switchover"};
  return kNames[static_cast<int>(phase)];
}

// What comes: every query-* command of the binary, `stop` and `cont`, or `system_reset`.
enum class Commands { kQueries, kStopAndCont, kReset };

std::string ParameterName(Commands commands) {
  constexpr const char* kNames[] = {"Queries", "StopAndCont", "Reset"};
  return kNames[static_cast<int>(commands)];
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

  std::vector<std::string> CommandNames() const {
    if (commands() == Commands::kReset) return {"system_reset", "query-status"};
    if (commands() == Commands::kStopAndCont) return {"stop", "cont"};
    std::vector<std::string> names;
    for (const std::string& name : config().source_facts->schema.Commands()) {
      if (name.starts_with("query-")) names.push_back(name);
    }
    return names;
  }

  // Each command once to both sides, sent before any answer is read. QEMU may refuse one, but must
  // answer all.
  absl::Status HammerOnce() {
    Deadline deadline = StepDeadline();
    std::vector<std::pair<QmpClient*, PendingReply>> asked;
    for (const std::string& name : CommandNames()) {
      for (GuestMachine* machine : {&source(), &destination()}) {
        if (!machine->machine().process().running()) continue;
        TANDEM_ASSIGN_OR_RETURN(PendingReply pending,
                                machine->qmp().Send(name, Json(), false, {}, deadline));
        asked.emplace_back(&machine->qmp(), pending);
      }
    }
    for (auto& [qmp, pending] : asked) {
      absl::Status answered = qmp->Receive(pending, deadline).status();
      if (!answered.ok() && !QmpErrorOf(answered)) return answered;
      ++answers_;
    }
    return absl::OkStatus();
  }
  absl::Status Hammer(int rounds) {
    for (int i = 0; i < rounds; ++i) TANDEM_RETURN_IF_ERROR(HammerOnce());
    return absl::OkStatus();
  }
  absl::Status HammerUntilCompleted() {
    auto completed = [this] {
      return source().machine().events().FindAfter(migration().source_cursor(),
                                                   MigrationEvent("completed"));
    };
    Deadline deadline = StepDeadline();
    while (!completed()) {
      TANDEM_RETURN_IF_ERROR(HammerOnce());
      if (deadline.expired()) return absl::DeadlineExceededError("the migration does not complete");
    }
    return absl::OkStatus();
  }

  // The migration is active when this is called.
  absl::Status HammerInPhase() {
    if (phase() == Phase::kActive) return Hammer(kRounds);
    TANDEM_RETURN_IF_ERROR(Converge());
    if (phase() == Phase::kSwitchover) return HammerUntilCompleted();
    TANDEM_RETURN_IF_ERROR(
        migration().WaitForStatus(MigrationStatus::kPreSwitchover, StepDeadline()));
    TANDEM_RETURN_IF_ERROR(Hammer(kRounds));
    Json state = Json::Object({{"state", "pre-switchover"}});
    return source().qmp().Execute("migrate-continue", state, StepDeadline()).status();
  }

  // To its end. What the source does then is its operator's choice: `cont` lets it run again,
  // `system_reset` brings it back to prelaunch.
  absl::Status Finish() {
    TANDEM_RETURN_IF_ERROR(Converge());
    TANDEM_RETURN_IF_ERROR(migration().WaitForStatus(MigrationStatus::kCompleted, StepDeadline()));
    return migration().WaitForDestinationCompletion(false, StepDeadline());
  }

  int64_t answers() const { return answers_; }

 private:
  static constexpr int kRounds = 10;
  int64_t answers_ = 0;
};

// M12: all commands are answered in this phase, the migration completes, and what arrives is whole.
// (A guest that is reset again and again contradicts itself; GuestEventTest resets one once.)
TANDEM_COVERS(HammerTest, GuestArrivesWhole, "M12");
TEST_P(HammerTest, GuestArrivesWhole) {
  TANDEM_ASSERT_OK(StartMachines());
  TANDEM_ASSERT_OK(HoldBack());
  TANDEM_ASSERT_OK(StartMigration(Socket()));
  TANDEM_ASSERT_OK(WaitUntilSentMemoryIsDirtyAgain());
  TANDEM_ASSERT_OK(HammerInPhase());
  Measure("answers", answers());
  TANDEM_ASSERT_OK(Finish());
  TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
  TANDEM_ASSERT_OK(source().machine().RunState(StepDeadline()));
  if (commands() == Commands::kReset) return;
  TANDEM_ASSERT_THAT(destination(), HasConsistentState());
  TANDEM_ASSERT_THAT(destination(), MakesProgress());
}

INSTANTIATE_TEST_SUITE_P(Hammer, HammerTest,
                         Combine(Values(Phase::kActive, Phase::kPreSwitchover, Phase::kSwitchover),
                                 Values(Commands::kQueries, Commands::kStopAndCont,
                                        Commands::kReset)),
                         [](const auto& parameter) {
                           return ParameterName(std::get<Commands>(parameter.param)) + "In" +
                                  ParameterName(std::get<Phase>(parameter.param));
                         });

}  // namespace
}  // namespace tandem
