// SPDX-License-Identifier: Apache-2.0
#include "lib/process/exit_status.h"

#include <spdlog/fmt/fmt.h>

#include <cstring>

namespace tandem {

std::string ExitStatus::ToString() const {
  if (kind == Kind::kExited) return fmt::format("exit code {}", value);
  const char* name = sigabbrev_np(value);
  return fmt::format("signal {} (SIG{}){}", value, name == nullptr ? "?" : name,
                     core_dumped ? ", core dumped" : "");
}

ExitStatus ExitStatus::FromSiginfo(const siginfo_t& info) {
  ExitStatus status;
  status.kind = info.si_code == CLD_EXITED ? Kind::kExited : Kind::kSignaled;
  status.value = info.si_status;
  status.core_dumped = info.si_code == CLD_DUMPED;
  return status;
}

}  // namespace tandem
