// SPDX-License-Identifier: Apache-2.0
// tandem: runs the suites that are installed with it, or built beside it, and tells what they
// found.
#include "tools/runner/command.h"

int main(int argc, char** argv) {
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
    return app.exit(error) == 0 ? tandem::kExitGood : tandem::kExitRefused;
  }
  return chosen();
}
