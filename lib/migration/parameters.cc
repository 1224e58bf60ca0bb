// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/parameters.h"

#include <vector>

namespace tandem {

Json MigrationParameters::ToJson() const {
  std::vector<Json::Member> members;
  auto add = [&members](std::string_view name, const std::optional<int64_t>& value) {
    if (value) members.emplace_back(name, *value);
  };
  add("max-bandwidth", max_bandwidth);
  add("downtime-limit", downtime_limit_ms);
  add("multifd-channels", multifd_channels);
  add("x-checkpoint-delay", checkpoint_delay_ms);
  return Json::Object(members).MergedWith(others);
}

}  // namespace tandem
