// SPDX-License-Identifier: Apache-2.0
// Few combinations of options in which any two options meet that can.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace tandem {

// Options, by their places in the caller's list.
using OptionSet = std::set<size_t>;
// The smaller one first.
using OptionPair = std::pair<size_t, size_t>;

// The two as a pair.
OptionPair PairOf(size_t one, size_t other);

// What combinations are made of.
struct PairwiseOptions {
  // What each combination begins with (a transport, …).
  std::vector<OptionSet> bases;
  // What may be added to any: an option, together with those that it needs.
  std::vector<OptionSet> candidates;
  // So many options a combination has at most, beyond its base.
  size_t most_added = 0;
  // Whether these can be together. Asked for sets that hold a base.
  std::function<bool(const OptionSet&)> accepts;
};

// One combination for each base, in which as many of the `open` pairs as possible are together;
// takes them out of `open`. A base that no open pair is left for stays alone. The same arguments
// give the same combinations.
std::vector<OptionSet> PairwiseCombinations(const PairwiseOptions& options,
                                            std::set<OptionPair>& open);

}  // namespace tandem
