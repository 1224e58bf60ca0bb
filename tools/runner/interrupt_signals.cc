// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/interrupt_signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

// What a handler may touch.
std::atomic<int> count_of_signals = 0;
std::atomic<int> first_signal = 0;
std::atomic<int> event = -1;

void OnSignal(int signal) {
  int error = errno;
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
  ++count_of_signals;
  uint64_t one = 1;
  (void)!write(event, &one, sizeof one);
  errno = error;
}

}  // namespace

InterruptSignals::InterruptSignals(Recording& recording) {
  count_of_signals = first_signal = 0;
  event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) {
    status_ = ErrnoError(errno, "cannot make an event for signals");
    return;
  }
  auto watch = IoThread::Instance().Watch(event, [&recording] {
    uint64_t ignored = 0;
    (void)!read(event, &ignored, sizeof ignored);
    recording.Notify();
    return true;
  });
  if (!watch.ok()) {
    status_ = watch.status();
    return;
  }
  watch_ = *watch;
  for (int signal : kSignals) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN && signal != SIGTERM) continue;
    action = {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

InterruptSignals::~InterruptSignals() {
  for (int signal : kSignals) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == OnSignal) std::signal(signal, SIG_DFL);
  }
  if (watch_ != 0) IoThread::Instance().Unwatch(watch_);
  if (event >= 0) close(event.exchange(-1));
}

int InterruptSignals::count() const { return count_of_signals; }

int InterruptSignals::first() const { return first_signal; }

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

}  // namespace tandem
