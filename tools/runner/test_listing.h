// SPDX-License-Identifier: Apache-2.0
// Which tests there are: what the programs of the suites say of themselves (fixtures/list_tests.h).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "tools/runner/planned_test.h"

namespace tandem {

// `given`, or, when it is "", where the suites lie beside this program: ../libexec/tandem of an
// installation, ../../suites of a build tree. NotFound says where it looked.
absl::StatusOr<std::string> FindSuitesFolder(const std::string& given);

// All tests of the programs <family>_test in the folder, in the order of their names, each
// program's in its own order; all programs are asked at once. Their label "disabled" is that of
// GoogleTest's DISABLED_. NotFound when there is no such program; InvalidArgument names the program
// that died, that said what is no listing, or that did not end by the deadline. From the main
// thread.
absl::StatusOr<std::vector<PlannedTest>> ListSuites(const std::string& folder,
                                                    const Deadline& deadline);

// Sets `cores` of tests of Tandem that no listing gave, by asking their programs. Of a program that
// cannot say it they stay as they are.
void AskForCores(std::vector<PlannedTest>& tests, const Deadline& deadline);

}  // namespace tandem
