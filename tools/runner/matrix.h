// SPDX-License-Identifier: Apache-2.0
// Every test for every ordered pair of QEMU binaries: the plan of `tandem matrix`.
//
// Each binary is driven in its own dialect, and each test runs on the newest machine type of its
// family that both know: that is the test's own work (TestConfig).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/runner/planned_test.h"
#include "tools/runner/selection.h"

namespace tandem {

// One of the binaries. A value.
struct NamedBinary {
  std::string name;  // letters, digits and "._+-"
  std::string path;  // or what else TANDEM_QEMU may say: a wrapper in front
};

// From "NAME=PATH" each. InvalidArgument names what is no such text, or a name that comes twice.
absl::StatusOr<std::vector<NamedBinary>> ParseNamedBinaries(const std::vector<std::string>& texts);

// The tests for each pair, a binary with itself included: all of the first pair, then all of the
// next, source by source. Their ids begin with the pair.
std::vector<PlannedTest> PlanMatrix(const std::vector<PlannedTest>& tests,
                                    const std::vector<NamedBinary>& binaries);

// What a matrix runs if nobody says otherwise: the families that move a guest from one QEMU to
// another. With `smoke` a few tests of each.
Selection MatrixSelection(bool smoke);

}  // namespace tandem
