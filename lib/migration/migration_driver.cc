// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/migration_driver.h"

#include <charconv>

#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr absl::Duration kAnswerTime = absl::Seconds(2);

Json AddressArguments(const MigrationAddress& address, AddressSpelling spelling) {
  if (spelling == AddressSpelling::kUri) return Json::Object({{"uri", address.Uri()}});
  return Json::Object({{"channels", address.Channels()}});
}

absl::StatusOr<int> ListeningPort(Machine& machine, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(Json reply, machine.qmp().Execute("query-migrate", deadline));
  std::string text = reply["socket-address"][0]["port"].Text();
  int port = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc()) {
    return MakeError(absl::StatusCode::kInternal,
                     "{}: query-migrate tells no port after migrate-incoming: {}", machine.role(),
                     reply.Dump());
  }
  return port;
}

bool IsMigrationEvent(const QmpEvent& event) { return event.name == "MIGRATION"; }

MigrationStatus LastStatus(const Machine& machine, EventCursor cursor) {
  MigrationStatus last = MigrationStatus::kNone;
  for (const QmpEvent& event : machine.events().EventsAfter(cursor)) {
    if (IsMigrationEvent(event)) last = ParseMigrationStatus(event.data["status"].Text());
  }
  return last;
}

// When the amount of memory that is left is worth knowing: as a pass over it begins.
bool BeginsPass(const QmpEvent& event) {
  return event.name == "MIGRATION_PASS" ||
         (IsMigrationEvent(event) && event.data["status"].Text() == "active");
}

// Asks, as passes begin, for the memory that is left, so that the recording shows how it shrank.
// Nobody waits for the answers, and no question is asked while one is open: a QEMU whose main loop
// is blocked would read no command out of band behind too many of them.
class RemainingSampler {
 public:
  explicit RemainingSampler(QmpClient& qmp) : qmp_(qmp) {}

  void Sample(const Deadline& deadline) {
    if (asked_ && !qmp_.Receive(question_, Deadline::AfterUnscaled(absl::ZeroDuration())).ok()) {
      return;
    }
    auto sent = qmp_.Send("query-migrate", Json(), false, {}, deadline);
    asked_ = sent.ok();  // the wait itself tells of a broken connection
    if (asked_) question_ = *sent;
  }

 private:
  QmpClient& qmp_;
  bool asked_ = false;
  PendingReply question_;
};

// QmpClient::WaitForEvent with a sample at each pass that begins meanwhile.
absl::Status WaitWithSamples(QmpClient& qmp, EventCursor cursor, const EventPredicate& wanted,
                             const std::string& awaited, const Deadline& deadline) {
  RemainingSampler sampler(qmp);
  EventCursor sampled = qmp.events().cursor();  // not for passes that are long over
  auto wanted_or_pass = [&](const QmpEvent& event) {
    return wanted(event) || (event.after > sampled && BeginsPass(event));
  };
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(QmpEvent event,
                            qmp.WaitForEvent(cursor, wanted_or_pass, awaited, deadline));
    if (wanted(event)) return absl::OkStatus();
    sampler.Sample(deadline);
    cursor = sampled = event.after;
  }
}

// Why a machine whose death nobody expected no longer answers; OK when it does, or when it is slow.
// Its sockets break before its end can be noticed: a command finds out which of the two it is.
absl::Status DeathOf(Machine& machine, const Deadline& deadline) {
  if (machine.process().exit_expected()) return absl::OkStatus();
  absl::Status answered = machine.RunState(deadline.AtMost(kAnswerTime)).status();
  return absl::IsUnavailable(answered) ? answered : absl::OkStatus();
}

}  // namespace

absl::Status SetCapabilities(Machine& machine, MigrationCapabilities capabilities,
                             const Deadline& deadline) {
  capabilities.Enable(capability::kEvents);
  return machine.qmp()
      .Execute("migrate-set-capabilities", capabilities.ToJson(), deadline)
      .status();
}

absl::Status SetParameters(Machine& machine, const MigrationParameters& parameters,
                           const Deadline& deadline) {
  Json arguments = parameters.ToJson();
  if (arguments.size() == 0) return absl::OkStatus();
  return machine.qmp().Execute("migrate-set-parameters", arguments, deadline).status();
}

absl::StatusOr<MigrationStatistics> QueryMigration(Machine& machine, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(Json reply, machine.qmp().Execute("query-migrate", deadline));
  return MigrationStatistics::FromQueryMigrate(reply);
}

absl::StatusOr<MigrationAddress> MigrationDriver::Listen(const MigrationAddress& address,
                                                         AddressSpelling spelling,
                                                         const Deadline& deadline,
                                                         bool exit_on_error) {
  destination_cursor_ = destination_.events().cursor();
  Json arguments = AddressArguments(address, spelling);
  if (!exit_on_error) {
    arguments = arguments.MergedWith(Json::Object({{"exit-on-error", false}}));
  }
  TANDEM_RETURN_IF_ERROR(
      destination_.qmp().Execute("migrate-incoming", arguments, deadline).status());
  if (!address.asks_for_port()) return address;
  TANDEM_ASSIGN_OR_RETURN(int port, ListeningPort(destination_, deadline));
  return address.WithPort(port);
}

absl::Status MigrationDriver::Start(const MigrationAddress& address, AddressSpelling spelling,
                                    const Deadline& deadline) {
  source_cursor_ = source_.events().cursor();
  return source_.qmp().Execute("migrate", AddressArguments(address, spelling), deadline).status();
}

absl::Status WaitForMigrationStatus(Machine& machine, EventCursor cursor, MigrationStatus status,
                                    const Deadline& deadline) {
  MigrationStatus reached = MigrationStatus::kNone;
  auto wanted_or_final = [&](const QmpEvent& event) {
    if (!IsMigrationEvent(event)) return false;
    reached = ParseMigrationStatus(event.data["status"].Text());
    return reached == status || IsFinal(reached);
  };
  std::string awaited = fmt::format("migration status {}", MigrationStatusName(status));
  absl::Status waited = WaitWithSamples(machine.qmp(), cursor, wanted_or_final, awaited, deadline);
  if (!waited.ok()) {
    return WithContext(
        waited, fmt::format("migration is {}", MigrationStatusName(LastStatus(machine, cursor))));
  }
  if (reached == status) return absl::OkStatus();
  absl::StatusOr<MigrationStatistics> statistics = QueryMigration(machine, deadline);
  return MakeError(
      absl::StatusCode::kAborted, "awaiting {}: the migration ended as {}: {}", awaited,
      MigrationStatusName(reached),
      statistics.ok() && !statistics->error.empty() ? statistics->error : "QEMU gives no reason");
}

absl::Status MigrationDriver::WaitForStatus(MigrationStatus status, const Deadline& deadline) {
  absl::Status waited = WaitForMigrationStatus(source_, source_cursor_, status, deadline);
  if (!absl::IsAborted(waited)) return waited;
  absl::Status death = DeathOf(destination_, deadline);
  return death.ok() ? waited : WithContext(death, Message(waited));
}

absl::Status MigrationDriver::WaitForSourceCompletion(const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(WaitForStatus(MigrationStatus::kCompleted, deadline));
  return source_.PollRunState("postmigrate", deadline);
}

absl::Status MigrationDriver::WaitForDestinationCompletion(bool guest_runs,
                                                           const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(WaitForMigrationStatus(destination_, destination_cursor_,
                                                MigrationStatus::kCompleted, deadline));
  if (!guest_runs) return absl::OkStatus();
  return destination_.qmp().WaitForEvent(destination_cursor_, "RESUME", deadline).status();
}

absl::StatusOr<MigrationStatistics> MigrationDriver::WaitForCompletion(bool guest_runs,
                                                                       const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(WaitForStatus(MigrationStatus::kCompleted, deadline));
  TANDEM_RETURN_IF_ERROR(WaitForDestinationCompletion(guest_runs, deadline));
  TANDEM_RETURN_IF_ERROR(source_.PollRunState("postmigrate", deadline));
  return QueryMigration(source_, deadline);
}

}  // namespace tandem
