// SPDX-License-Identifier: Apache-2.0
#include "lib/base/pairwise.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tandem {
namespace {

using Pair = std::pair<size_t, size_t>;
using Row = std::vector<size_t>;

Pair PairOf(size_t one, size_t other) { return {std::min(one, other), std::max(one, other)}; }

// The pairs that no combination has yet.
class OpenPairs {
 public:
  void Add(size_t one, size_t other) { pairs_.insert(PairOf(one, other)); }
  void Close(const Row& row) {
    for (size_t one : row) {
      for (size_t other : row) pairs_.erase(PairOf(one, other));
    }
  }
  bool empty() const { return pairs_.empty(); }
  const Pair& first() const { return *pairs_.begin(); }
  // How many pairs the option would close in the row.
  size_t Gain(const Row& row, size_t option) const {
    return std::count_if(row.begin(), row.end(),
                         [&](size_t other) { return pairs_.contains(PairOf(option, other)); });
  }
  // How many pairs wait for the option.
  size_t Waiting(size_t option) const {
    return std::count_if(pairs_.begin(), pairs_.end(), [option](const Pair& pair) {
      return pair.first == option || pair.second == option;
    });
  }

 private:
  std::set<Pair> pairs_;
};

OpenPairs AllPairs(const PairwiseOptions& options) {
  std::vector<std::vector<size_t>> sets = options.alternatives;
  for (size_t option : options.free) sets.push_back({option});
  OpenPairs pairs;
  for (size_t i = 0; i < sets.size(); ++i) {
    for (size_t j = i + 1; j < sets.size(); ++j) {
      for (size_t one : sets[i]) {
        for (size_t other : sets[j]) pairs.Add(one, other);
      }
    }
  }
  return pairs;
}

bool Contains(const Row& row, size_t option) {
  return std::find(row.begin(), row.end(), option) != row.end();
}

// The option that closes most pairs in the row; of equals the one that most others wait for.
size_t Best(const std::vector<size_t>& candidates, const Row& row, const OpenPairs& pairs) {
  return *std::max_element(candidates.begin(), candidates.end(), [&](size_t one, size_t other) {
    return std::pair(pairs.Gain(row, one), pairs.Waiting(one)) <
           std::pair(pairs.Gain(row, other), pairs.Waiting(other));
  });
}

Row NextRow(const PairwiseOptions& options, size_t free_per_row, const OpenPairs& pairs) {
  Row row = {pairs.first().first, pairs.first().second};
  for (const std::vector<size_t>& set : options.alternatives) {
    bool chosen = std::any_of(set.begin(), set.end(), [&](size_t o) { return Contains(row, o); });
    if (!chosen) row.push_back(Best(set, row, pairs));
  }
  std::vector<size_t> left;
  size_t taken = 0;
  for (size_t option : options.free) {
    if (Contains(row, option))
      ++taken;
    else
      left.push_back(option);
  }
  for (; taken < free_per_row && !left.empty(); ++taken) {
    size_t best = Best(left, row, pairs);
    if (pairs.Gain(row, best) == 0) break;
    row.push_back(best);
    left.erase(std::find(left.begin(), left.end(), best));
  }
  return row;
}

}  // namespace

std::vector<std::vector<size_t>> PairwiseCombinations(const PairwiseOptions& options,
                                                      size_t free_per_row) {
  std::vector<Row> rows;
  for (OpenPairs pairs = AllPairs(options); !pairs.empty(); pairs.Close(rows.back())) {
    rows.push_back(NextRow(options, free_per_row, pairs));
  }
  return rows;
}

}  // namespace tandem
