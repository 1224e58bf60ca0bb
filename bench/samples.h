// SPDX-License-Identifier: Apache-2.0
// Order statistics of a few measured values.
#pragma once

#include <vector>

namespace tandem {

// The middle value, or the mean of the two in the middle; 0 of no values.
double Median(std::vector<double> values);

// The smallest of the values that `percent` of them do not exceed (nearest rank); 0 of no values.
double Percentile(std::vector<double> values, double percent);

}  // namespace tandem
