// SPDX-License-Identifier: Apache-2.0
// Capabilities, transports and compressors in combinations in which any two of them meet. What
// becomes of each is measured: "combination", "refused" and "outcome" in results.jsonl.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "fixtures/migration_fixture.h"
#include "fixtures/parameter_name.h"
#include "lib/base/pairwise.h"

namespace tandem {
namespace {

using ::testing::Range;

// All that any QEMU knows, but for events (always on) and x-colo (colo_test.cc).
constexpr const char* kOptions[] = {"tcp",
                                    "unix",
                                    "exec",
                                    "file",  //
                                    "live",
                                    "stopped",  //
                                    "none",
                                    "zlib",
                                    "zstd",  // multifd-compression
                                    "auto-converge",
                                    "background-snapshot",
                                    "block",
                                    "compress",
                                    "dirty-bitmaps",
                                    "dirty-limit",
                                    "late-block-activate",
                                    "mapped-ram",
                                    "multifd",
                                    "pause-before-switchover",
                                    "postcopy-blocktime",
                                    "postcopy-preempt",
                                    "postcopy-ram",
                                    "rdma-pin-all",
                                    "release-ram",
                                    "return-path",
                                    "switchover-ack",
                                    "validate-uuid",
                                    "x-ignore-shared",
                                    "xbzrle",
                                    "zero-blocks",
                                    "zero-copy-send"};
constexpr size_t kFirstCapability = 9;
constexpr size_t kCapabilitiesAtOnce = 4;

// What QEMU refuses to enable without another one.
struct Prerequisite {
  const char *capability, *needs;
};
constexpr Prerequisite kPrerequisites[] = {{"postcopy-preempt", "postcopy-ram"},
                                           {"switchover-ack", "return-path"}};

const std::vector<std::vector<size_t>>& Combinations() {
  static const auto* combinations = [] {
    PairwiseOptions options{.alternatives = {{0, 1, 2, 3}, {4, 5}, {6, 7, 8}}, .free = {}};
    options.free.resize(std::size(kOptions) - kFirstCapability);
    std::iota(options.free.begin(), options.free.end(), kFirstCapability);
    auto* all = new auto(PairwiseCombinations(options, kCapabilitiesAtOnce));
    for (std::vector<size_t>& each : *all) std::sort(each.begin(), each.end());
    return all;
  }();
  return *combinations;
}

std::string NameOfCombination(const ::testing::TestParamInfo<int>& parameter) {
  std::string name;
  for (size_t option : Combinations()[parameter.param]) name += ParameterName(kOptions[option]);
  return name;
}

// The parameter says which one.
class CombinationTest : public MigrationFixture, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    Decode();
    // Combinations are the subject here, not QEMU's log of writes (docs/known-defects.md).
    setup().guest.workload.flags = TANDEM_GUEST_FLAG_FLUSH_TRANSLATIONS;
    setup().guest.workload.page_count = 6000;
    MigrationFixture::SetUp();
  }

  void Decode() {
    for (size_t option : Combinations()[GetParam()]) {
      std::string name = kOptions[option];
      combination_ += (combination_.empty() ? "" : " ") + name;
      if (option >= kFirstCapability)
        capabilities_.push_back(name);
      else if (option >= 6)
        compression_ = name;
      else if (option >= 4)
        live_ = name == "live";
      else
        transport_ = name;
    }
    // Last, so that what is refused is not what the combination is about.
    for (const Prerequisite& each : kPrerequisites) {
      auto found = std::find(capabilities_.begin(), capabilities_.end(), each.capability);
      if (found == capabilities_.end()) continue;
      capabilities_.erase(found);
      capabilities_.insert(capabilities_.end(), {each.needs, each.capability});
    }
  }

  // Starts both machines and sets what both accept; what one refuses is left out.
  absl::Status Prepare() {
    if (transport_ == "exec" && mkfifo(file().c_str(), 0600) != 0) return ErrnoError(errno, file());
    TANDEM_RETURN_IF_ERROR(StartMachines());
    ExpectEnd(destination());  // as QEMU does when it cannot load
    ExpectErrorLine("");
    if (!live_) TANDEM_RETURN_IF_ERROR(source().machine().Stop(StepDeadline()));
    TANDEM_RETURN_IF_ERROR(Converge());
    setup().parameters.others = Json::Object({{"multifd-compression", compression_}});
    TANDEM_RETURN_IF_ERROR(Negotiate());
    for (const std::string& name : capabilities_) TANDEM_RETURN_IF_ERROR(SetOrLeave(name));
    Measure("combination", combination_);
    Measure("refused", refused_);
    return absl::OkStatus();
  }

  // "completes", or what QEMU says against it. Not OK when it does not say anything.
  absl::StatusOr<std::string> Outcome() {
    bool by_file = transport_ == "file";  // loaded when it is saved
    MigrationAddress target = Outgoing();
    if (!by_file) {
      absl::StatusOr<MigrationAddress> listening = Listen(Incoming());
      if (!listening.ok()) return Refusal("migrate-incoming", listening.status());
      if (target.asks_for_port()) target = *listening;
    }
    if (absl::Status s = StartMigrationTo(target); !s.ok()) return Refusal("migrate", s);
    TANDEM_ASSIGN_OR_RETURN(MigrationStatus end, AwaitEnd());
    if (end != MigrationStatus::kCompleted) return WhySourceFailed();
    if (by_file) {
      absl::StatusOr<MigrationAddress> loading = Listen(Incoming());
      if (!loading.ok()) return Refusal("migrate-incoming", loading.status());
    }
    absl::Status arrived = migration().WaitForDestinationCompletion(live_, StepDeadline());
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

  void ExpectGuestArrived() {
    if (!live_) {
      TANDEM_ASSERT_OK(destination().machine().Cont(StepDeadline()));
    }
    TANDEM_ASSERT_THAT(destination(), HasConsistentState()) << Accepted();
    TANDEM_ASSERT_THAT(destination(), MakesProgress());
  }
  void ExpectGuestStayed() {
    if (!live_) {
      TANDEM_ASSERT_OK(source().machine().Cont(StepDeadline()));
    }
    TANDEM_ASSERT_THAT(source(), HasRunState("running"));
    TANDEM_ASSERT_THAT(source(), HasConsistentState());
  }

 private:
  MigrationAddress Outgoing() const {
    if (transport_ == "tcp") return MigrationAddress::Tcp("127.0.0.1", 0);
    if (transport_ == "unix") return MigrationAddress::Unix(file());
    if (transport_ == "exec") return MigrationAddress::Exec("cat >" + QuoteForShell(file()));
    return MigrationAddress::File(file());
  }
  MigrationAddress Incoming() const {
    if (transport_ != "exec") return Outgoing();
    return MigrationAddress::Exec("cat " + QuoteForShell(file()));
  }
  std::string file() const { return scratch().File("stream"); }

  absl::Status Set(GuestMachine& machine, const std::string& name, bool on) {
    Json capability = Json::Object({{"capability", name}, {"state", on}});
    return machine.qmp()
        .Execute("migrate-set-capabilities",
                 Json::Object({{"capabilities", Json::Array({capability})}}), StepDeadline())
        .status();
  }
  absl::Status SetOrLeave(const std::string& name) {
    absl::Status set = Set(destination(), name, true);
    if (set.ok()) {
      set = Set(source(), name, true);
      if (!set.ok()) TANDEM_RETURN_IF_ERROR(Set(destination(), name, false));
    }
    if (set.ok()) {
      accepted_ += " " + name;
      return set;
    }
    TANDEM_ASSIGN_OR_RETURN(std::string reason, Refusal(name, set));
    refused_ += (refused_.empty() ? "" : "; ") + reason;
    return absl::OkStatus();
  }
  // What QEMU has against it; any other error stays one.
  static absl::StatusOr<std::string> Refusal(const std::string& what, const absl::Status& status) {
    std::optional<QmpError> error = QmpErrorOf(status);
    if (!error) return status;
    return what + " is refused: " + error->description;
  }

  // For messages, and for what is known of QEMU's defects.
  std::string Accepted() const {
    return fmt::format("over {}, {}, {}, accepted:{}.", transport_, live_ ? "live" : "stopped",
                       compression_, accepted_);
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

  std::string combination_, transport_, compression_, accepted_, refused_;
  std::vector<std::string> capabilities_;
  bool live_ = true;
};

// M3: whatever is combined works, or is refused or fails with QEMU's reason, and then the guest
// stays. Nothing crashes, nothing hangs.
TANDEM_COVERS(CombinationTest, WorksOrIsRefused, "M3");
TEST_P(CombinationTest, WorksOrIsRefused) {
  TANDEM_ASSERT_OK(Prepare());
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string outcome, Outcome());
  Measure("outcome", outcome);
  Note(outcome);
  TANDEM_ASSERT_OK(DestinationHasNotCrashed());
  if (outcome == "completes") {
    ExpectGuestArrived();
  } else {
    ExpectGuestStayed();
  }
}

// A sample, and all of them.
constexpr int kSample = 8;
INSTANTIATE_TEST_SUITE_P(Combinations, CombinationTest, Range(0, kSample), NameOfCombination);
INSTANTIATE_TEST_SUITE_P(Slow, CombinationTest,
                         Range(kSample, static_cast<int>(Combinations().size())),
                         NameOfCombination);

}  // namespace
}  // namespace tandem
