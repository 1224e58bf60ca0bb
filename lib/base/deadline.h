// SPDX-License-Identifier: Apache-2.0
// One absolute point in time, made at the top of an operation and passed down to every wait in it.
#pragma once

#include <chrono>

#include "absl/time/time.h"

namespace tandem {

// A point on the steady clock; remembers when it was made so that a timeout can say how long it
// waited. Copyable value; safe to read from several threads.
class Deadline {
 public:
  // `duration` from now, multiplied by TANDEM_TIMEOUT_FACTOR.
  static Deadline After(absl::Duration duration);
  // `duration` from now, for measured times that must not be scaled.
  static Deadline AfterUnscaled(absl::Duration duration);

  // The earlier of this deadline and `duration` (scaled) from now.
  Deadline AtMost(absl::Duration duration) const;

  // Whether it is past.
  bool expired() const;
  // From now to the deadline; zero when it is past.
  absl::Duration remaining() const;
  // From when this deadline was made until now.
  absl::Duration elapsed() const;
  std::chrono::steady_clock::time_point time_point() const { return end_; }

 private:
  Deadline(std::chrono::steady_clock::time_point start, std::chrono::steady_clock::time_point end)
      : start_(start), end_(end) {}

  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point end_;
};

}  // namespace tandem
