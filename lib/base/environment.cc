// SPDX-License-Identifier: Apache-2.0
#include "lib/base/environment.h"

#include <cstdio>
#include <cstdlib>

#include "lib/base/status.h"

namespace tandem {

std::optional<std::string> EnvironmentValue(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

absl::StatusOr<double> EnvironmentNumber(const char* name, double fallback, double minimum,
                                         double maximum) {
  std::optional<std::string> text = EnvironmentValue(name);
  if (!text) return fallback;
  char* end = nullptr;
  double value = std::strtod(text->c_str(), &end);
  if (*end != '\0' || !(value >= minimum && value <= maximum)) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}={} is not a number from {} to {}: correct it or unset it", name, *text,
                     minimum, maximum);
  }
  return value;
}

double TimeoutFactor() {
  static const double factor = [] {
    absl::StatusOr<double> value = EnvironmentNumber("TANDEM_TIMEOUT_FACTOR", 1.0, 0.1, 1000.0);
    if (!value.ok()) {
      std::fprintf(stderr, "tandem: %s\n", Message(value.status()).c_str());
      std::_Exit(2);
    }
    return *value;
  }();
  return factor;
}

}  // namespace tandem
