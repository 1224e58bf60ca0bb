// SPDX-License-Identifier: Apache-2.0
// `tandem run`: chooses tests, runs them, and tells what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/runner/matrix.h"
#include "tools/runner/print_policy.h"
#include "tools/runner/run_summary.h"
#include "tools/runner/selection.h"
#include "tools/runner/testcase_file.h"

namespace tandem {

// The command line of `tandem run`. A value.
struct RunOptions {
  std::string suites;  // "": beside the program, unless there are testcases
  TestcaseSources testcases;
  std::string qemu, source, destination;  // "": as the environment has it
  std::vector<NamedBinary> matrix;        // in their place, for every pair of them
  Selection selection;
  std::string only_failed;  // a folder with an earlier run; "": none
  std::string shard;        // "I/N"; "": all
  std::string times;        // of tests, a file by which shards are balanced; "": Tandem's own
  double jobs = 0;          // 0: one for each CPU
  double timeout = 0;       // seconds; 0: TANDEM_TIMEOUT, or 120
  double grace = 30;        // seconds
  int output_limit = 256;   // MiB
  std::string output = "tandem-results";
  std::string baseline;  // an earlier run to compare with in the report; "": none
  int repeat = 1;        // 0 with until_fail: without an end
  bool until_fail = false;
  int retries = 0;
  int64_t seed = 0;
  std::vector<std::string> print;
  ExitRules rules;
  bool list = false;
};

// The exit code: see ExitCodeOf(); 2 when nothing could be begun, with a sentence on stderr.
int RunCommand(const RunOptions& options);

}  // namespace tandem
