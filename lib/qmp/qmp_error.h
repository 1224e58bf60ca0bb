// SPDX-License-Identifier: Apache-2.0
// A QMP error answer inside an absl::Status.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace tandem {

// What QEMU answered instead of "return" (QMP specification, 2.4.2 "Error").
struct QmpError {
  std::string error_class;  // "GenericError", "CommandNotFound", …
  std::string description;  // "desc": text for people, which differs between versions
};

// FailedPrecondition for CommandNotFound (the binary lacks it), Aborted for every other refusal.
// The error itself travels as payload.
absl::Status StatusFromQmpError(const QmpError& error, const std::string& context);

// The QMP error that a status carries, nullopt when it came from elsewhere.
std::optional<QmpError> QmpErrorOf(const absl::Status& status);

}  // namespace tandem
