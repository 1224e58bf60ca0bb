// SPDX-License-Identifier: Apache-2.0
#include "lib/base/environment.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <system_error>

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
  // Not by strtod, for which a program's locale may want a decimal comma.
  double value = 0;
  const char* end = text->data() + text->size();
  auto [parsed, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || parsed != end || !(value >= minimum && value <= maximum)) {
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
