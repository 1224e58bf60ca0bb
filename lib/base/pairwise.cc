// SPDX-License-Identifier: Apache-2.0
#include "lib/base/pairwise.h"

#include <algorithm>
#include <optional>

namespace tandem {
namespace {

OptionSet Union(OptionSet one, const OptionSet& other) {
  one.insert(other.begin(), other.end());
  return one;
}

// How many open pairs are together in the set.
size_t Gain(const OptionSet& set, const std::set<OptionPair>& open) {
  return std::count_if(open.begin(), open.end(), [&](const OptionPair& pair) {
    return set.contains(pair.first) && set.contains(pair.second);
  });
}

// How many open pairs wait for an option of the set.
size_t Waiting(const OptionSet& set, const std::set<OptionPair>& open) {
  return std::count_if(open.begin(), open.end(), [&](const OptionPair& pair) {
    return set.contains(pair.first) || set.contains(pair.second);
  });
}

// A larger set than the row was, and what it is worth.
struct Growth {
  size_t gain = 0, waiting = 0;
  OptionSet set;
};

// What the row can become with one of the additions, the best first.
std::vector<Growth> Growths(const OptionSet& row, size_t most_options,
                            const std::vector<OptionSet>& additions,
                            const std::set<OptionPair>& open) {
  const size_t now = Gain(row, open);
  std::vector<Growth> growths;
  for (const OptionSet& addition : additions) {
    OptionSet set = Union(row, addition);
    if (set.size() == row.size() || set.size() > most_options) continue;
    size_t gain = Gain(set, open) - now;
    if (gain > 0) growths.push_back({gain, Waiting(addition, open), std::move(set)});
  }
  std::stable_sort(growths.begin(), growths.end(), [](const Growth& one, const Growth& other) {
    return std::pair(one.gain, one.waiting) > std::pair(other.gain, other.waiting);
  });
  return growths;
}

// Any two candidates: two options may each have met all others of the row, but not each other.
std::vector<OptionSet> InTwos(const std::vector<OptionSet>& candidates) {
  std::vector<OptionSet> twos;
  for (size_t i = 0; i < candidates.size(); ++i) {
    for (size_t j = i + 1; j < candidates.size(); ++j) {
      twos.push_back(Union(candidates[i], candidates[j]));
    }
  }
  return twos;
}

std::optional<OptionSet> Grown(const PairwiseOptions& options, const OptionSet& row,
                               size_t most_options, const std::set<OptionPair>& open) {
  for (const auto& additions : {options.candidates, InTwos(options.candidates)}) {
    for (Growth& growth : Growths(row, most_options, additions, open)) {
      if (options.accepts(growth.set)) return std::move(growth.set);
    }
  }
  return std::nullopt;
}

}  // namespace

OptionPair PairOf(size_t one, size_t other) { return {std::min(one, other), std::max(one, other)}; }

std::vector<OptionSet> PairwiseCombinations(const PairwiseOptions& options,
                                            std::set<OptionPair>& open) {
  std::vector<OptionSet> rows;
  for (const OptionSet& base : options.bases) {
    OptionSet row = base;
    const size_t most_options = base.size() + options.most_added;
    while (auto grown = Grown(options, row, most_options, open)) row = *std::move(grown);
    std::erase_if(open, [&](const OptionPair& pair) {
      return row.contains(pair.first) && row.contains(pair.second);
    });
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace tandem
