// SPDX-License-Identifier: Apache-2.0
// Capabilities, compressors and transports in combinations in which any two meet that the binaries
// take together. They are asked when a test runs, so each test is a slot: its name tells how the
// guest travels, "combination" in results.jsonl what came with it, and "outcome" what became of it.
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "fixtures/combination_table.h"
#include "fixtures/parameter_name.h"
#include "fixtures/precopy_fixture.h"
#include "lib/base/unique_fd.h"

namespace tandem {
namespace {

using ::testing::IsEmpty;
using ::testing::Range;

// Always on; a state that does not end (colo_test.cc).
const std::set<std::string> kLeftOut = {"events", "x-colo"};
// What QEMU takes and does not complete, by its reason.
const std::vector<std::vector<NamePair>> kFailLater = {
    // A return path over what has none.
    {{"exec", "return-path"}, {"exec", "postcopy-ram"}, {"exec", "switchover-ack"}},
    {{"file", "return-path"}, {"file", "postcopy-ram"}, {"file", "switchover-ack"}},
    // Several channels over any transport, before 8.2.
    {{"exec", "multifd"},
     {"fd", "multifd"},
     {"exec", "postcopy-preempt"},
     {"fd", "postcopy-preempt"}},
    // Sockets that copy.
    {{"unix", "zero-copy-send"}},
    // Refused at `migrate`.
    {{"mapped-ram", "zlib"}, {"mapped-ram", "zstd"}},
    // Defects: docs/known-defects.md.
    {{"background-snapshot", "mapped-ram"}},
    {{"mapped-ram", "x-ignore-shared"}},
    {{"multifd", "postcopy-preempt"}},
};

// As many as are needed; tests below say when there are not enough.
struct SlotCount {
  CombinationSlot slot;
  int count;
};
const SlotCount kSlotCounts[] = {
    {{"tcp", true}, 7},  {{"unix", false}, 7}, {{"file", true}, 7}, {{"fd", false}, 6},
    {{"exec", true}, 5}, {{"tcp", false}, 7},  {{"unix", true}, 7}, {{"file", false}, 7},
    {{"fd", true}, 5},   {{"exec", false}, 6},
};

std::string NameOfSlot(const CombinationSlot& slot, int number) {
  return ParameterName(slot.transport) + (slot.live ? "Live" : "Stopped") + std::to_string(number);
}

// One of each kind, then the next of each, …: the first ones are a good sample.
struct Slots {
  std::vector<CombinationSlot> slots;
  std::vector<std::string> names;

  Slots() {
    for (int number = 0; number < 100; ++number) {
      for (const auto& [slot, count] : kSlotCounts) {
        if (number >= count) continue;
        slots.push_back(slot);
        names.push_back(NameOfSlot(slot, number));
      }
    }
  }
};
const Slots& AllSlots() {
  static const auto* slots = new Slots();
  return *slots;
}

// Made once in a process.
absl::StatusOr<const CombinationTable*> Table(const TestConfig& config, const Deadline& deadline) {
  static auto* table = new absl::StatusOr<CombinationTable>(
      CombineOptions(config, AllSlots().slots, kLeftOut, kFailLater, deadline));
  if (!table->ok()) return table->status();
  return &**table;
}

// The parameter says which slot.
class CombinationTest : public PrecopyFixture, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    // Combinations are the subject here, not QEMU's log of writes (docs/known-defects.md).
    setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
    setup().guest.workload.page_count = 6000;
    PrecopyFixture::SetUp();
    if (IsSkipped() || HasFailure()) return;
    TANDEM_REQUIRE_OK(TakeCombination());
  }

  // Starts both machines with all that belongs to the combination.
  absl::Status Prepare() {
    if (transport() == "exec" && mkfifo(file().c_str(), 0600) != 0) {
      return ErrnoError(errno, file());
    }
    TANDEM_RETURN_IF_ERROR(StartMachines());
    ExpectEnd(destination());  // as QEMU does when it cannot load
    ExpectErrorLine("");
    if (!slot().live) TANDEM_RETURN_IF_ERROR(source().machine().Stop(StepDeadline()));
    if (transport() == "fd") TANDEM_RETURN_IF_ERROR(HandOverSockets());
    TANDEM_RETURN_IF_ERROR(IsHeldBack() ? HoldBack() : Converge());
    for (const std::string& name : options_.capabilities) setup().capabilities.Enable(name);
    setup().parameters.others = Json::Object({{"multifd-compression", options_.compression}});
    // The binaries took it when they were asked.
    return WithContext(Negotiate(), Accepted());
  }

  // "completes", or what QEMU says against it. Not OK when it does not say anything.
  absl::StatusOr<std::string> Outcome() {
    bool by_file = transport() == "file";  // loaded when it is saved
    MigrationAddress target = Outgoing();
    if (!by_file) {
      absl::StatusOr<MigrationAddress> listening = Listen(Incoming());
      if (!listening.ok()) return Refusal("migrate-incoming", listening.status());
      if (target.asks_for_port()) target = *listening;
    }
    if (absl::Status s = StartMigrationTo(target); !s.ok()) return Refusal("migrate", s);
    if (IsHeldBack()) TANDEM_RETURN_IF_ERROR(LetConverge());
    TANDEM_ASSIGN_OR_RETURN(MigrationStatus end, AwaitEnd());
    if (end != MigrationStatus::kCompleted) return WhySourceFailed();
    if (by_file) {
      absl::StatusOr<MigrationAddress> loading = Listen(Incoming());
      if (!loading.ok()) return Refusal("migrate-incoming", loading.status());
    }
    absl::Status arrived = migration().WaitForDestinationCompletion(slot().live, StepDeadline());
    if (arrived.ok()) return "completes";
    if (absl::IsDeadlineExceeded(arrived)) return arrived;
    return "destination fails: " + Message(arrived);
  }

  // An end by a signal is a crash.
  absl::Status DestinationHasNotCrashed() {
    if (destination().machine().process().running()) return absl::OkStatus();
    TANDEM_ASSIGN_OR_RETURN(ExitStatus end, WaitForEnd(destination()));
    if (end.kind == ExitStatus::Kind::kExited) return absl::OkStatus();
    return MakeError(absl::StatusCode::kUnavailable, "the destination ended with {}",
                     end.ToString());
  }

  // Of what QEMU took, only kFailLater may fail.
  bool MayEndWith(const std::string& outcome) const { return may_fail_ || outcome == "completes"; }
  void ExpectGuestArrived() {
    if (!slot().live) {
      TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
    }
    TANDEM_ASSERT_THAT(destination(), HasConsistentState()) << Accepted();
    TANDEM_ASSERT_THAT(destination(), MakesProgress());
  }
  void ExpectGuestStayed(const std::string& outcome) {
    // QEMU announces a failure before the guest is as it was. What was handed over to a destination
    // that failed, the operator takes back.
    bool handed_over = outcome.starts_with("destination fails");
    const char* as_it_was = slot().live ? "running" : "paused";
    TANDEM_ASSERT_OK(
        source().machine().PollRunState(handed_over ? "postmigrate" : as_it_was, StepDeadline()));
    if (handed_over || !slot().live) {
      TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
    }
    TANDEM_ASSERT_THAT(source(), HasRunState("running"));
    TANDEM_ASSERT_THAT(source(), HasConsistentState());
  }

 private:
  // FailedPrecondition where these binaries leave nothing to be done for this slot.
  absl::Status TakeCombination() {
    TANDEM_ASSIGN_OR_RETURN(const CombinationTable* table,
                            Table(config(), StepDeadline(absl::Seconds(90))));
    auto found = table->combinations.find(GetParam());
    if (found == table->combinations.end()) {
      return absl::FailedPreconditionError(
          "all pairs of options that QEMU takes together are in other combinations already");
    }
    options_ = found->second;
    may_fail_ = table->may_fail.contains(GetParam());
    Measure("combination", Accepted());
    return absl::OkStatus();
  }

  const CombinationSlot& slot() const { return AllSlots().slots[GetParam()]; }
  const std::string& transport() const { return slot().transport; }
  // A background snapshot has each page once, as it was at the start.
  bool IsHeldBack() const {
    return slot().live && !options_.capabilities.contains("background-snapshot");
  }

  MigrationAddress Outgoing() const {
    if (transport() == "tcp") return MigrationAddress::Tcp("127.0.0.1", 0);
    if (transport() == "unix") return MigrationAddress::Unix(file());
    if (transport() == "fd") return MigrationAddress::Fd("stream");
    if (transport() == "exec") return MigrationAddress::Exec("cat >" + QuoteForShell(file()));
    return MigrationAddress::File(file());
  }
  MigrationAddress Incoming() const {
    if (transport() != "exec") return Outgoing();
    return MigrationAddress::Exec("cat " + QuoteForShell(file()));
  }
  std::string file() const { return scratch().File("stream"); }
  absl::Status HandOverSockets() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return ErrnoError(errno, "socketpair");
    }
    UniqueFd one(ends[0]), other(ends[1]);
    TANDEM_RETURN_IF_ERROR(HandOver(source(), "stream", one.get()));
    return HandOver(destination(), "stream", other.get());
  }

  // Proves that precopy is live; a migration that has failed meanwhile has its own reason.
  absl::Status LetConverge() {
    absl::Status live = WaitUntilSentMemoryIsDirtyAgain();
    if (!live.ok() && !absl::IsAborted(live)) return WithContext(live, Accepted());
    return Converge();
  }

  // What QEMU has against it; any other error stays one.
  static absl::StatusOr<std::string> Refusal(const std::string& what, const absl::Status& status) {
    std::optional<QmpError> error = QmpErrorOf(status);
    if (!error) return status;
    return what + " is refused: " + error->description;
  }

  // For messages, and for what is known of QEMU's defects.
  std::string Accepted() const {
    std::string text = fmt::format("over {}, {}, {}, accepted:", transport(),
                                   slot().live ? "live" : "stopped", options_.compression);
    for (const std::string& name : options_.capabilities) text += " " + name;
    return text + ".";
  }

  // Awaits the end at the source; goes on where it pauses.
  absl::StatusOr<MigrationStatus> AwaitEnd() {
    Deadline deadline = StepDeadline(absl::Seconds(10));
    EventCursor cursor = migration().source_cursor();
    for (;;) {
      auto is_stop = [](const QmpEvent& event) {
        MigrationStatus status = ParseMigrationStatus(event.data["status"].Text());
        return event.name == "MIGRATION" &&
               (IsFinal(status) || status == MigrationStatus::kPreSwitchover);
      };
      absl::StatusOr<QmpEvent> event =
          source().qmp().WaitForEvent(cursor, is_stop, "the end of the migration", deadline);
      if (!event.ok()) return WithContext(event.status(), Accepted());
      MigrationStatus status = ParseMigrationStatus(event->data["status"].Text());
      if (IsFinal(status)) return status;
      cursor = source().machine().events().cursor();
      Json arguments = Json::Object({{"state", "pre-switchover"}});
      TANDEM_RETURN_IF_ERROR(
          source().qmp().Execute("migrate-continue", arguments, deadline).status());
    }
  }
  absl::StatusOr<std::string> WhySourceFailed() {
    TANDEM_ASSIGN_OR_RETURN(MigrationStatistics now,
                            QueryMigration(source().machine(), StepDeadline()));
    return "fails: " + (now.error.empty() ? "QEMU gives no reason" : now.error);
  }

  MigrationOptions options_;
  bool may_fail_ = false;
};

// M3: whatever QEMU takes together works; what is known to fail, does so with QEMU's reason, and
// the guest stays. Nothing crashes, nothing hangs.
TANDEM_COVERS(CombinationTest, WorksOrIsRefused, "M3");
TEST_P(CombinationTest, WorksOrIsRefused) {
  TANDEM_ASSERT_OK(Prepare());
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string outcome, Outcome());
  Measure("outcome", outcome);
  Note(outcome);
  TANDEM_ASSERT_OK(DestinationHasNotCrashed());
  EXPECT_TRUE(MayEndWith(outcome)) << outcome;
  if (outcome == "completes") {
    ExpectGuestArrived();
  } else {
    ExpectGuestStayed(outcome);
  }
}

// A sample, and all of them.
constexpr int kSample = std::size(kSlotCounts);
INSTANTIATE_TEST_SUITE_P(Combinations, CombinationTest, Range(0, kSample),
                         [](const auto& slot) { return AllSlots().names[slot.param]; });
INSTANTIATE_TEST_SUITE_P(Slow, CombinationTest,
                         Range(kSample, static_cast<int>(AllSlots().slots.size())),
                         [](const auto& slot) { return AllSlots().names[slot.param]; });

class CombinationTableTest : public MigrationFixture {};

// M3: any two options that these binaries take together are together in one of the combinations
// above. combinations.txt, which evidence takes along (TANDEM_KEEP=always), lists all pairs.
TANDEM_COVERS(CombinationTableTest, HoldsEveryPairThatIsAccepted, "M3");
TEST_F(CombinationTableTest, HoldsEveryPairThatIsAccepted) {
  TANDEM_ASSERT_OK_AND_ASSIGN(const CombinationTable* table,
                              Table(config(), StepDeadline(absl::Seconds(90))));
  std::ofstream(scratch().File("combinations.txt")) << table->ToString(AllSlots().slots);
  KeepFile(scratch().File("combinations.txt"));
  Measure("pairs_accepted", static_cast<int64_t>(table->accepted.size()));
  Measure("pairs_refused", static_cast<int64_t>(table->refused.size()));
  EXPECT_THAT(table->without_slot, IsEmpty()) << "more slots are needed (kSlotCounts)";
}

}  // namespace
}  // namespace tandem
