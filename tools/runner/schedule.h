// SPDX-License-Identifier: Apache-2.0
// Which test starts next: the longest one for which there are cores.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace tandem {

// A budget of cores and the tests that wait for them. Not thread-safe.
class Schedule {
 public:
  // One attempt at a test. A value.
  struct Entry {
    size_t test = 0;  // the caller's number
    int attempt = 1;
    double cores = 1;
    double seconds = 0;  // expected
  };

  explicit Schedule(double budget) : budget_(budget), free_(budget) {}

  void Add(const Entry& entry);
  // Takes the longest waiting test that fits into what is free, of equal ones the first. One that
  // is wider than the whole budget fits when nothing else runs. nullopt when none does now.
  std::optional<Entry> TakeNext();
  // It has ended; its cores are free again.
  void Release(const Entry& entry);
  // Forgets those that wait.
  void Clear() { waiting_.clear(); }

  bool empty() const { return waiting_.empty(); }

 private:
  double CostOf(const Entry& entry) const;

  const double budget_;
  double free_;
  std::vector<Entry> waiting_;  // the longest first
};

}  // namespace tandem
