// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/command.h"

#include <cstdio>

#include "lib/base/status.h"

namespace tandem {

int Refuse(const absl::Status& status, int code) {
  std::fprintf(stderr, "tandem: %s\n", Message(status).c_str());
  return code;
}

}  // namespace tandem
