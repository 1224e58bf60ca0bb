// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/capabilities.h"

#include <vector>

namespace tandem {

Json MigrationCapabilities::ToJson() const {
  std::vector<Json> list;
  for (const std::string& name : names_) {
    list.push_back(Json::Object({{"capability", name}, {"state", true}}));
  }
  return Json::Object({{"capabilities", Json::Array(list)}});
}

}  // namespace tandem
