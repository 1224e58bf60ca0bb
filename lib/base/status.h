// SPDX-License-Identifier: Apache-2.0
// Helpers over absl::Status: macros that pass an error on, and makers that format with fmt.
//
// Debian's Abseil is built for C++14, where absl::string_view is a type of its own; other builds
// make it std::string_view. Tandem therefore formats with fmt into std::string, which converts to
// both, and turns Abseil's views into std::string in Message() alone.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TANDEM_STATUS_CONCAT_INNER_(a, b) a##b
#define TANDEM_STATUS_CONCAT_(a, b) TANDEM_STATUS_CONCAT_INNER_(a, b)

// Returns from the enclosing function when `expression` is not OK.
#define TANDEM_RETURN_IF_ERROR(expression)                                                       \
  do {                                                                                           \
    if (absl::Status tandem_status_ = (expression); !tandem_status_.ok()) return tandem_status_; \
  } while (false)

// Assigns the value of a StatusOr to `target`, or returns its status from the enclosing function.
#define TANDEM_ASSIGN_OR_RETURN(target, expression) \
  TANDEM_ASSIGN_OR_RETURN_IMPL_(TANDEM_STATUS_CONCAT_(tandem_or_, __LINE__), target, expression)
#define TANDEM_ASSIGN_OR_RETURN_IMPL_(result, target, expression) \
  auto result = (expression);                                     \
  if (!result.ok()) return std::move(result).status();            \
  target = *std::move(result)

namespace tandem {

// A status of `code` whose message is formatted by fmt.
template <typename... Args>
absl::Status MakeError(absl::StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
  return absl::Status(code, fmt::format(format, std::forward<Args>(args)...));
}

// A status with the message of errno's value `error` after `what`; never FailedPrecondition, which
// would turn into a skip.
absl::Status ErrnoError(int error, const std::string& what);

// The message of a status, without its code.
std::string Message(const absl::Status& status);

// The same status with `prefix` and ": " before its message; payloads are kept.
absl::Status WithContext(const absl::Status& status, const std::string& prefix);

// "1.25 s", "40 ms": a duration as Tandem's messages print it.
std::string FormatSeconds(double seconds);

}  // namespace tandem
