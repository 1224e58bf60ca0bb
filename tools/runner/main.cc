// SPDX-License-Identifier: Apache-2.0
// tandem: runs the suites that are installed with it, or built beside it, and tells what they
// found.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include "lib/process/standard_streams.h"
#include "tools/runner/command.h"

namespace {

// Of a command line that cannot be parsed.
int RefusalCode(int argc, char** argv) {
  bool bisects = std::find(argv, argv + argc, std::string_view("--bisect")) != argv + argc;
  return bisects ? tandem::kExitBisectStops : tandem::kExitRefused;
}

int Run(int argc, char** argv) {
  CLI::App app("Tests QEMU binaries: live migration and COLO.", "tandem");
  app.require_subcommand(1);
  app.fallthrough(false);
  tandem::ChosenCommand chosen;
  tandem::AddRunCommand(app, chosen);
  tandem::AddMatrixCommand(app, chosen);
  tandem::AddMergeCommand(app, chosen);
  tandem::AddTestcasesCommand(app, chosen);
  tandem::AddTimesCommand(app, chosen);
  tandem::AddReportCommand(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help among them
    return app.exit(error) == 0 ? tandem::kExitGood : RefusalCode(argc, argv);
  }
  return chosen();
}

}  // namespace

// Tandem throws nothing itself. What the standard library throws (no memory, no working directory)
// unwinds, so that the tests that run are killed.
int main(int argc, char** argv) {
  tandem::OpenClosedStreams();
  std::signal(SIGPIPE,
              SIG_IGN);  // a reader that goes away (head) ends no run; tests have their own
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return tandem::kExitBad;
  }
}
