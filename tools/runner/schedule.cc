// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/schedule.h"

#include <algorithm>

namespace tandem {

double Schedule::CostOf(const Entry& entry) const { return std::min(entry.cores, budget_); }

void Schedule::Add(const Entry& entry) {
  auto shorter = [](const Entry& a, const Entry& b) { return a.seconds > b.seconds; };
  waiting_.insert(std::upper_bound(waiting_.begin(), waiting_.end(), entry, shorter), entry);
}

std::optional<Schedule::Entry> Schedule::TakeNext() {
  auto fits = [this](const Entry& entry) { return CostOf(entry) <= free_ + 1e-9; };
  auto found = std::find_if(waiting_.begin(), waiting_.end(), fits);
  if (found == waiting_.end()) return std::nullopt;
  Entry entry = *found;
  waiting_.erase(found);
  free_ -= CostOf(entry);
  return entry;
}

void Schedule::Release(const Entry& entry) { free_ = std::min(budget_, free_ + CostOf(entry)); }

}  // namespace tandem
