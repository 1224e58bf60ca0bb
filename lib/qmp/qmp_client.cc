// SPDX-License-Identifier: Apache-2.0
#include "lib/qmp/qmp_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/time/clock.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr size_t kReadSize = 1 << 16;
constexpr size_t kQuoted = 80;  // bytes of a line that an error quotes
constexpr size_t kMostFds = 16;

// One sendmsg(2), with `fds` in its ancillary data.
ssize_t SendSome(int socket, std::string_view text, const std::vector<int>& fds) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))] = {};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void AwaitWritable(int socket, const Deadline& deadline) {
  pollfd writable{.fd = socket, .events = POLLOUT, .revents = 0};
  poll(&writable, 1, static_cast<int>(absl::ToInt64Milliseconds(deadline.remaining())) + 1);
}

absl::Status WriteTimeout(const Deadline& deadline) {
  return MakeError(absl::StatusCode::kDeadlineExceeded,
                   "timed out after {} writing the command: it is not read",
                   FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed())));
}

}  // namespace

QmpClient::QmpClient(std::string name, UniqueFd socket, Recording& recording)
    : name_(std::move(name)), recording_(recording), socket_(std::move(socket)) {
  auto watch = IoThread::Instance().Watch(socket_.get(), [this] { return OnReadable(); });
  if (watch.ok()) {
    watch_ = *watch;
  } else {
    Fail(WithContext(watch.status(), name_));
  }
}

QmpClient::~QmpClient() {
  if (watch_ != 0) IoThread::Instance().Unwatch(watch_);
}

bool QmpClient::OnReadable() {
  char buffer[kReadSize];
  ssize_t size = recv(socket_.get(), buffer, sizeof buffer, 0);
  if (size > 0) {
    splitter_.Feed({buffer, static_cast<size_t>(size)},
                   [this](std::string_view line) { OnLine(line); });
    return true;
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  std::string where;
  if (!splitter_.partial().empty()) {
    where =
        fmt::format(" in the middle of a line (\"{}\")", splitter_.partial().substr(0, kQuoted));
  }
  splitter_.Finish(
      [this](std::string_view rest) { recording_.Append(name_, EntryKind::kQmpReply, rest); });
  Fail(MakeError(absl::StatusCode::kUnavailable, "{} closed the QMP connection{}", name_, where));
  return false;
}

void QmpClient::OnLine(std::string_view line) {
  absl::StatusOr<Json> parsed = Json::Parse(line);
  if (!parsed.ok() || !parsed->is_object()) {
    recording_.Append(name_, EntryKind::kQmpReply, line);
    Fail(MakeError(absl::StatusCode::kInternal, "{} sent a line that is no JSON object: \"{}\"",
                   name_, line.substr(0, kQuoted)));
    return;
  }
  if (parsed->Has("event")) {
    events_.Append(*parsed, absl::Now());
    recording_.Append(name_, EntryKind::kQmpEvent, line);
    return;
  }
  absl::Status unexpected;
  {
    std::lock_guard lock(mutex_);
    std::optional<int64_t> id = (*parsed)["id"].Integer();
    auto awaited = id ? replies_.find(static_cast<uint64_t>(*id)) : replies_.end();
    if ((*parsed)["QMP"].is_object() && greeting_.is_null()) {
      greeting_ = (*parsed)["QMP"];
    } else if (awaited != replies_.end() && !awaited->second) {
      awaited->second = *parsed;
    } else {
      unexpected = MakeError(absl::StatusCode::kInternal, "{} sent an answer to no command: \"{}\"",
                             name_, line.substr(0, kQuoted));
    }
  }
  recording_.Append(name_, EntryKind::kQmpReply, line);
  if (!unexpected.ok()) Fail(std::move(unexpected));
}

void QmpClient::Fail(absl::Status why) {
  {
    std::lock_guard lock(mutex_);
    if (broken_.ok()) broken_ = std::move(why);
  }
  recording_.Notify();
}

absl::Status QmpClient::WhyBroken(const std::string& context) const {
  absl::Status why;
  {
    std::lock_guard lock(mutex_);
    why = broken_;
  }
  if (absl::IsUnavailable(why) && explain_end_) why = explain_end_(why);
  return WithContext(why, context);
}

bool QmpClient::connected() const {
  std::lock_guard lock(mutex_);
  return broken_.ok();
}

Json QmpClient::greeting() const {
  std::lock_guard lock(mutex_);
  return greeting_;
}

absl::Status QmpClient::Negotiate(const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(recording_.Wait(deadline, fmt::format("the QMP greeting of {}", name_),
                                         [this] { return !greeting().is_null() || !connected(); }));
  if (greeting().is_null()) return WhyBroken("awaiting the QMP greeting");
  std::vector<Json> enable;
  for (const Json& capability : greeting()["capabilities"].elements()) {
    if (capability.Text() == "oob") enable.emplace_back("oob");
  }
  TANDEM_RETURN_IF_ERROR(
      Execute("qmp_capabilities", Json::Object({{"enable", Json::Array(enable)}}), deadline)
          .status());
  oob_enabled_ = !enable.empty();
  return absl::OkStatus();
}

absl::Status QmpClient::WriteInTurn(const std::string& line, const std::vector<int>& fds,
                                    const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  if (!write_ended_.wait_until(lock, deadline.time_point(), [&] { return !writing_; })) {
    return WriteTimeout(deadline);
  }
  writing_ = true;
  lock.unlock();
  absl::Status written = WriteLine(line, fds, deadline);
  lock.lock();
  writing_ = false;
  write_ended_.notify_all();
  return written;
}

absl::Status QmpClient::WriteLine(const std::string& line, const std::vector<int>& fds,
                                  const Deadline& deadline) {
  recording_.Append(name_, EntryKind::kQmpSent, line);
  std::string text = line + "\n";
  size_t written = 0;
  while (written < text.size()) {
    ssize_t size = SendSome(socket_.get(), std::string_view(text).substr(written),
                            written == 0 ? fds : std::vector<int>());
    if (size > 0) {
      written += static_cast<size_t>(size);
    } else if (errno == EPIPE || errno == ECONNRESET) {
      Fail(MakeError(absl::StatusCode::kUnavailable, "{} closed the QMP connection", name_));
      return absl::UnavailableError("the connection ended");
    } else if (errno != EAGAIN && errno != EINTR) {
      return MakeError(absl::StatusCode::kInvalidArgument, "cannot be sent: {}",
                       strerrordesc_np(errno));
    } else if (deadline.expired()) {
      if (written > 0) {
        Fail(MakeError(absl::StatusCode::kInternal,
                       "{} read only {} of the {} bytes of a command: \"{}\"", name_, written,
                       text.size(), line.substr(0, kQuoted)));
      }
      return WriteTimeout(deadline);
    } else {
      AwaitWritable(socket_.get(), deadline);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PendingReply> QmpClient::Send(std::string_view command, const Json& arguments,
                                             bool out_of_band, const std::vector<int>& fds,
                                             const Deadline& deadline) {
  std::string context = fmt::format("{}: {}", name_, command);
  if (fds.size() > kMostFds) {
    return MakeError(absl::StatusCode::kInvalidArgument, "{}: at most {} descriptors, not {}",
                     context, kMostFds, fds.size());
  }
  if (out_of_band && !oob_enabled_) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "{}: out-of-band execution was not offered", context);
  }
  if (!connected()) return WhyBroken(context);
  PendingReply pending{.id = 0, .command = std::string(command)};
  {
    std::lock_guard lock(mutex_);
    pending.id = next_id_++;
    replies_.emplace(pending.id, std::nullopt);
  }
  std::vector<Json::Member> members{{out_of_band ? "exec-oob" : "execute", command}};
  if (!arguments.is_null()) members.emplace_back("arguments", arguments);
  members.emplace_back("id", pending.id);
  absl::Status written = WriteInTurn(Json::Object(members).Dump(), fds, deadline);
  if (written.ok()) return pending;
  {
    std::lock_guard lock(mutex_);
    replies_.erase(pending.id);
  }
  return absl::IsUnavailable(written) ? WhyBroken(context) : WithContext(written, context);
}

absl::StatusOr<Json> QmpClient::Receive(const PendingReply& pending, const Deadline& deadline) {
  auto answered = [&] {
    std::lock_guard lock(mutex_);
    auto reply = replies_.find(pending.id);
    return reply == replies_.end() || reply->second || !broken_.ok();
  };
  absl::Status waited = recording_.Wait(
      deadline, fmt::format("the answer of {} to {}", name_, pending.command), answered);
  if (!waited.ok()) return waited;  // the id stays known: a late answer is no protocol violation
  std::string context = fmt::format("{}: {}", name_, pending.command);
  std::optional<Json> reply;
  {
    std::lock_guard lock(mutex_);
    auto awaited = replies_.extract(pending.id);
    if (awaited.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "{}: its answer was taken before",
                       context);
    }
    reply = std::move(awaited.mapped());
  }
  if (!reply) return WhyBroken(context);
  if (reply->Has("return")) return (*reply)["return"];
  const Json error = (*reply)["error"];
  if (error["class"].Text().empty()) {
    return MakeError(absl::StatusCode::kInternal, "{}: an answer without return or error: {}",
                     context, reply->Dump().substr(0, kQuoted));
  }
  return StatusFromQmpError(
      {.error_class = error["class"].Text(), .description = error["desc"].Text()},
      fmt::format("{} (after {})", context,
                  FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed()))));
}

absl::StatusOr<Json> QmpClient::Execute(std::string_view command, const Json& arguments,
                                        const Deadline& deadline, const std::vector<int>& fds) {
  TANDEM_ASSIGN_OR_RETURN(PendingReply pending, Send(command, arguments, false, fds, deadline));
  return Receive(pending, deadline);
}

absl::StatusOr<Json> QmpClient::ExecuteOob(std::string_view command, const Json& arguments,
                                           const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(PendingReply pending, Send(command, arguments, true, {}, deadline));
  return Receive(pending, deadline);
}

absl::StatusOr<QmpEvent> QmpClient::WaitForEvent(EventCursor cursor, const EventPredicate& wanted,
                                                 std::string_view awaited,
                                                 const Deadline& deadline) {
  std::optional<QmpEvent> found;
  // Each event is looked at once, however often something else wakes this wait.
  TANDEM_RETURN_IF_ERROR(recording_.Wait(deadline, fmt::format("{} of {}", awaited, name_), [&] {
    EventCursor known = events_.cursor();
    found = events_.FindAfter(cursor, wanted);
    cursor = std::max(cursor, known);
    return found.has_value() || !connected();
  }));
  if (found) return *found;
  return WhyBroken(fmt::format("awaiting {}", awaited));
}

}  // namespace tandem
