// SPDX-License-Identifier: Apache-2.0
#include "lib/qmp/qmp_error.h"

#include "absl/strings/cord.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

constexpr char kPayloadUrl[] = "tandem/qmp-error";

}  // namespace

absl::Status StatusFromQmpError(const QmpError& error, const std::string& context) {
  absl::StatusCode code = error.error_class == "CommandNotFound"
                              ? absl::StatusCode::kFailedPrecondition
                              : absl::StatusCode::kAborted;
  absl::Status status =
      MakeError(code, "{}: QEMU answered {}: {}", context, error.error_class, error.description);
  status.SetPayload(kPayloadUrl, absl::Cord(error.error_class + "\n" + error.description));
  return status;
}

std::optional<QmpError> QmpErrorOf(const absl::Status& status) {
  auto payload = status.GetPayload(kPayloadUrl);
  if (!payload) return std::nullopt;
  std::string text(*payload);
  size_t end = text.find('\n');
  return QmpError{.error_class = text.substr(0, end), .description = text.substr(end + 1)};
}

}  // namespace tandem
