// SPDX-License-Identifier: Apache-2.0
// What listing finds, selection and sharding choose from, and the scheduler runs.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tandem {

// How the end of a process is understood.
enum class ExitConvention {
  kTandem,    // 0 passed, 77 all skipped, 2 wrong settings; the verdict stands in the results line
  kTestcase,  // 0 passed, 4 skipped, else failed: of a testcase file
};

// One test, not yet run. A value.
struct PlannedTest {
  std::string id;                   // see TestRecord
  std::string family;               // "precopy"; "testcase"
  std::string pair;                 // in a matrix
  std::string test;                 // GoogleTest's name; "" for a testcase that is not ours
  std::vector<std::string> labels;  // the family among them; "slow"
  std::vector<std::string> argv;    // the whole command
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  ExitConvention convention = ExitConvention::kTandem;
  double cores = 1;             // busy vCPUs of its machines: what it takes of the budget
  double expected_seconds = 0;  // by earlier runs; 0: not known
};

}  // namespace tandem
