// SPDX-License-Identifier: Apache-2.0
// The subcommands of `tandem`: each adds itself to the command line and, when the user chose it,
// says what is to be done once that is understood. Each is in a file of its own, with one line in
// main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "absl/status/status.h"

namespace tandem {

// Does the work of the chosen subcommand; returns the exit code.
using ChosenCommand = std::function<int()>;

// Exit codes that all subcommands share.
inline constexpr int kExitGood = 0;
inline constexpr int kExitBad = 1;
inline constexpr int kExitRefused = 2;  // wrong settings, unusable files: nothing was done
// The same with --bisect: git bisect takes what is below for a verdict on the commit, and ends at
// this.
inline constexpr int kExitBisectStops = 128;

// Says on standard error why a subcommand cannot do its work; returns `code`.
int Refuse(const absl::Status& status, int code = kExitRefused);

// `tandem run`: runs tests. `chosen` outlives the parsing.
void AddRunCommand(CLI::App& app, ChosenCommand& chosen);
// `tandem matrix`: runs tests for every pair of binaries.
void AddMatrixCommand(CLI::App& app, ChosenCommand& chosen);
// `tandem merge`: makes one run of shards, or of repeats.
void AddMergeCommand(CLI::App& app, ChosenCommand& chosen);
// `tandem testcases`: writes a testcase file for each test of the suites.
void AddTestcasesCommand(CLI::App& app, ChosenCommand& chosen);
// `tandem times`: makes of runs the file by which tests are split into shards.
void AddTimesCommand(CLI::App& app, ChosenCommand& chosen);
// `tandem report`: makes the report of a run anew.
void AddReportCommand(CLI::App& app, ChosenCommand& chosen);

}  // namespace tandem
