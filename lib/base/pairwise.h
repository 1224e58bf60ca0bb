// SPDX-License-Identifier: Apache-2.0
// Few combinations of options in which any two options meet.
#pragma once

#include <cstddef>
#include <vector>

namespace tandem {

// Options, by their places in the caller's list.
struct PairwiseOptions {
  // Of each of these sets a combination has exactly one option (a transport, …).
  std::vector<std::vector<size_t>> alternatives;
  // Of these it has as many as asked for (capabilities).
  std::vector<size_t> free;
};

// Combinations such that any two options, but for two alternatives of one set, are together in at
// least one, each with `free_per_row` free options at most (2 or more, where there are two). The
// same arguments give the same combinations; the first ones cover the most.
std::vector<std::vector<size_t>> PairwiseCombinations(const PairwiseOptions& options,
                                                      size_t free_per_row);

}  // namespace tandem
