// SPDX-License-Identifier: Apache-2.0
// A way to read guest-physical memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "lib/base/deadline.h"

namespace tandem {

// Implementations say whether they are thread-safe.
class GuestMemory {
 public:
  virtual ~GuestMemory() = default;

  // Copies guest-physical [gpa, gpa + out.size()) into `out`. The machine must be stopped if the
  // copy is to be consistent. Errors: OutOfRange where there is no RAM, DeadlineExceeded, else
  // those of the means of reading.
  virtual absl::Status Read(uint64_t gpa, std::span<std::byte> out, const Deadline& deadline) = 0;
};

}  // namespace tandem
