// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, SIGTERM and SIGHUP as something to be looked at, in place of the end of the process.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "lib/base/recording.h"
#include "lib/process/io_thread.h"

namespace tandem {

// While it lives, these signals wake the waiters of the recording. One at a time in a process.
// SIGHUP that is ignored (nohup) stays ignored, and SIGINT (a shell's background job); SIGTERM is
// always heard. The recording must outlive it.
class InterruptSignals {
 public:
  explicit InterruptSignals(Recording& recording);
  InterruptSignals(const InterruptSignals&) = delete;
  InterruptSignals& operator=(const InterruptSignals&) = delete;
  ~InterruptSignals();

  // Why they cannot be watched.
  const absl::Status& status() const { return status_; }
  // How many came; any thread.
  int count() const;
  // The first one; 0 while there is none.
  int first() const;

 private:
  absl::Status status_;
  IoThread::WatchId watch_ = 0;
};

// "SIGINT"; "signal 64" for those without a name.
std::string SignalName(int signal);

}  // namespace tandem
