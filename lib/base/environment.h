// SPDX-License-Identifier: Apache-2.0
// Reads the environment variables that steer Tandem; nonsense is an error that names the variable.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace tandem {

// The value of a variable; nullopt when it is unset or empty.
std::optional<std::string> EnvironmentValue(const char* name);

// The value as a number within [minimum, maximum], `fallback` when unset. InvalidArgument
// otherwise.
absl::StatusOr<double> EnvironmentNumber(const char* name, double fallback, double minimum,
                                         double maximum);

// TANDEM_TIMEOUT_FACTOR (0.1 to 1000, default 1): what every deadline is multiplied by. Nonsense
// ends the process with exit code 2 and a sentence, because no deadline could be trusted.
double TimeoutFactor();

}  // namespace tandem
