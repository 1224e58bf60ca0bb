// SPDX-License-Identifier: Apache-2.0
#include "lib/base/deadline.h"

#include <algorithm>

#include "lib/base/environment.h"

namespace tandem {

using SteadyClock = std::chrono::steady_clock;

Deadline Deadline::After(absl::Duration duration) {
  return AfterUnscaled(duration * TimeoutFactor());
}

Deadline Deadline::AfterUnscaled(absl::Duration duration) {
  SteadyClock::time_point now = SteadyClock::now();
  return Deadline(now, now + absl::ToChronoNanoseconds(duration));
}

Deadline Deadline::AtMost(absl::Duration duration) const {
  Deadline shorter = After(duration);
  return Deadline(shorter.start_, std::min(end_, shorter.end_));
}

bool Deadline::expired() const { return SteadyClock::now() >= end_; }

absl::Duration Deadline::remaining() const {
  return std::max(absl::ZeroDuration(), absl::FromChrono(end_ - SteadyClock::now()));
}

absl::Duration Deadline::elapsed() const { return absl::FromChrono(SteadyClock::now() - start_); }

}  // namespace tandem
