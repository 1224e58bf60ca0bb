// SPDX-License-Identifier: Apache-2.0
#include "lib/process/io_thread.h"

#include <sys/epoll.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr int kEventsPerTurn = 16;

}  // namespace

IoThread& IoThread::Instance() {
  static auto* instance = new IoThread();
  return *instance;
}

IoThread::IoThread() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) {
    broken_ = ErrnoError(errno, "cannot make an epoll descriptor");
    return;
  }
  // Signals (Ctrl-C, alarms) are for the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {  // no memory for its stack, too many processes
    broken_ = ErrnoError(error.code().value(), "cannot start the I/O thread");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

absl::StatusOr<IoThread::WatchId> IoThread::Watch(int fd, Handler handler) {
  std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  WatchId id = next_id_++;
  watches_.emplace(id, Watched{fd, std::make_shared<Handler>(std::move(handler))});
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    int error = errno;
    watches_.erase(id);
    return ErrnoError(error, fmt::format("cannot watch descriptor {}", fd));
  }
  return id;
}

void IoThread::Unwatch(WatchId id) {
  std::unique_lock lock(mutex_);
  Remove(id);
  if (!OnIoThread()) handler_returned_.wait(lock, [&] { return running_ != id; });
}

void IoThread::Remove(WatchId id) {
  auto found = watches_.find(id);
  if (found == watches_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

void IoThread::Dispatch(WatchId id) {
  std::shared_ptr<Handler> handler;  // outlives an Unwatch from inside it
  {
    std::lock_guard lock(mutex_);
    auto found = watches_.find(id);
    if (found == watches_.end()) return;  // removed since epoll_wait returned
    handler = found->second.handler;
    running_ = id;
  }
  bool keep = (*handler)();
  handler.reset();
  std::lock_guard lock(mutex_);
  if (!keep) Remove(id);
  running_ = 0;
  handler_returned_.notify_all();
}

void IoThread::Run() {
  prctl(PR_SET_NAME, "tandem-io");
  std::array<epoll_event, kEventsPerTurn> events;
  for (;;) {
    int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) Dispatch(events[static_cast<size_t>(i)].data.u64);
  }
}

}  // namespace tandem
