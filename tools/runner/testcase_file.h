// SPDX-License-Identifier: Apache-2.0
// Testcase files: executables that are none of our suites, run as tests of their own under the same
// timeouts, statuses and report. The selftests of the kernel's KVM, for instance.
//
//   # Comments, to the end of the line, and empty lines are passed over.
//   x86/dirty_log_perf_test -v 4 "one argument"    # the one command line
//
// Words are as in a shell: 'as it stands', "with \" and \\", a\ b. There is no shell, though: no
// variables, no patterns, no redirection; an operator such as | must be quoted to be an argument. A
// backslash at the end of a line goes on in the next one. The exit code 0 is passed, 4 skipped, any
// other failed.
//
// A file that `tandem testcases` wrote is one of our own tests, and what it says of itself counts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/runner/planned_test.h"

namespace tandem {

// The words of the one command line. InvalidArgument begins with the line's number where it has
// one.
absl::StatusOr<std::vector<std::string>> ParseTestcase(std::string_view text);

// Makes a program of ours skip with the code of testcases; the last word of our own testcases.
inline constexpr std::string_view kTestcaseSkipFlag = "--tandem_skip_exit_code=4";

// What holds testcases. A value.
struct TestcaseSources {
  std::vector<std::string> files;
  std::vector<std::string> folders;  // all *.test in them, at any depth
  std::string root;                  // executables are named from here; "": the current folder
};

// A test for each file; its id is the file's path as it was given. Folders are in the order of
// their files' names; a file that is named twice is one test. InvalidArgument names each file that
// is empty, unreadable or no testcase, and each folder without any. An executable that is not there
// is no error: it will be NOT_RUN.
absl::StatusOr<std::vector<PlannedTest>> PlanTestcases(const TestcaseSources& sources);

// The text of a testcase file with this command.
std::string TestcaseText(const std::vector<std::string>& words);

}  // namespace tandem
