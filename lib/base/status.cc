// SPDX-License-Identifier: Apache-2.0
#include "lib/base/status.h"

#include <cstring>

#include "absl/strings/cord.h"

namespace tandem {

absl::Status ErrnoError(int error, const std::string& what) {
  absl::Status status = absl::ErrnoToStatus(error, what);
  // Which is a missing ability, a reason to skip; no errno is (ETXTBSY, EBUSY, EPIPE, …).
  if (!absl::IsFailedPrecondition(status)) return status;
  return absl::InternalError(Message(status));
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

absl::Status WithContext(const absl::Status& status, const std::string& prefix) {
  if (status.ok()) return status;
  absl::Status result(status.code(), prefix + ": " + Message(status));
  status.ForEachPayload(
      [&](auto url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

std::string FormatSeconds(double seconds) {
  if (seconds < 1.0) return fmt::format("{:.0f} ms", seconds * 1e3);
  return fmt::format("{:.2f} s", seconds);
}

}  // namespace tandem
