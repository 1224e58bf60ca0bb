// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "tools/runner/command.h"
#include "tools/runner/run_command.h"

namespace tandem {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 a test passed and none failed; 1 otherwise; 2 nothing was begun; 77 all were\n"
    "skipped. With --bisect: 0 good, 1 bad, 125 cannot be judged, 128 wrong settings.\n"
    "The environment of README.md is heeded too.\n\n"
    "  tandem run --label colo\n"
    "  tandem run --qemu ./qemu-system-x86_64 --filter '*Multifd*' --repeat 20\n"
    "  git bisect run tandem run --qemu build/qemu-system-x86_64 --filter '*Live*Pc' --bisect\n";

constexpr char kMatrixFooter[] =
    "The tests are those of precopy, multifd, file, postcopy and colo, unless --label or --filter\n"
    "say otherwise. Exit codes are those of tandem run.\n\n"
    "  tandem matrix --qemu 10.0=/opt/qemu-10.0/bin/qemu-system-x86_64 \\\n"
    "                --qemu new=build/qemu-system-x86_64 --smoke\n";

// Each occurrence takes one value.
void AddList(CLI::App& command, const char* name, std::vector<std::string>& values,
             const char* help) {
  command.add_option(name, values, help)->type_size(1)->allow_extra_args(false);
}

void AddChoice(CLI::App& command, RunOptions& options) {
  AddList(command, "--filter", options.selection.filters,
          "Tests that match this GoogleTest filter; several: any of them");
  AddList(command, "--label", options.selection.labels,
          "Tests with this label: a family, multifd, pc, q35, slow; several: any of them");
  AddList(command, "--exclude-label", options.selection.excluded_labels,
          "Leaves out tests with this label");
  command.add_option("--only-failed", options.only_failed,
                     "Tests that failed in the run of this folder");
  command.add_option("--shard", options.shard, "I/N: the I-th of N parts that take equally long");
  command.add_option(
      "--times", options.times,
      "File of times that shards are balanced by, of tandem times; default Tandem's own");
  command.add_option("--suites", options.suites, "Folder of the test programs");
  command.add_flag("--list", options.list, "Prints the tests that would be run");
}

void AddTestcases(CLI::App& command, RunOptions& options) {
  command.add_option("--testcases", options.testcases.files, "Files with a command line each");
  command.add_option("--dirs", options.testcases.folders, "Folders of such files, *.test");
  command.add_option("--path", options.testcases.root,
                     "Folder that their executables are named from");
}

void AddBinaries(CLI::App& command, RunOptions& options) {
  command.add_option("--qemu", options.qemu, "The QEMU to test; default as TANDEM_QEMU");
  command.add_option("--src", options.source, "The QEMU of the source, with --dst");
  command.add_option("--dst", options.destination, "The QEMU of the destination");
}

void AddExecution(CLI::App& command, RunOptions& options) {
  command.add_option("--jobs,-j", options.jobs, "Cores that may be busy at once; default all")
      ->check(CLI::Range(1.0, 4096.0));
  command.add_option("--timeout", options.timeout, "Seconds for each test; default 120")
      ->check(CLI::Range(1.0, 86400.0));
  command.add_option("--grace", options.grace, "Seconds more for its evidence")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command.add_option("--output-limit", options.output_limit, "MiB that a test may print")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      .add_option("--output,-o", options.output, "Folder for results; each run gets its own in it")
      ->capture_default_str();
  command
      .add_option("--seed", options.seed,
                  "What tests draw random numbers by; one more with each repetition")
      ->check(CLI::Range(1, 99999));
  command.add_option("--baseline", options.baseline,
                     "An earlier run, with which the report compares times");
  AddList(command, "--print", options.print,
          "passed|failed|skipped|timed-out=full|stdout|stderr|status|off");
}

void AddRepetition(CLI::App& command, RunOptions& options) {
  command.add_option("--repeat", options.repeat, "Runs each test so often")
      ->check(CLI::Range(1, 1000000));
  command.add_flag("--until-fail", options.until_fail,
                   "Repeats until a test fails; with --repeat at most so often");
  command.add_option("--retries", options.retries, "Runs what failed again; it is then FLAKY")
      ->check(CLI::Range(0, 100));
  command.add_flag("--allow-flaky", options.rules.allow_flaky, "FLAKY counts as passed");
  command.add_flag("--allow-all-skipped", options.rules.allow_all_skipped,
                   "A run without a test that passed is good");
  command.add_flag("--bisect", options.rules.bisect, "Exit codes for git bisect run");
}

int MatrixCommand(RunOptions options, const std::vector<std::string>& texts, bool smoke) {
  auto binaries = ParseNamedBinaries(texts);
  if (!binaries.ok()) return Refuse(binaries.status());
  options.matrix = *std::move(binaries);
  Selection& selection = options.selection;
  if (smoke) {
    selection.filters = MatrixSelection(true).filters;
  } else if (selection.filters.empty() && selection.labels.empty()) {
    selection.labels = MatrixSelection(false).labels;
  }
  return RunCommand(options);
}

}  // namespace

void AddRunCommand(CLI::App& app, ChosenCommand& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Runs tests");
  AddChoice(*command, *options);
  AddTestcases(*command, *options);
  AddBinaries(*command, *options);
  AddExecution(*command, *options);
  AddRepetition(*command, *options);
  command->footer(kFooter);
  command->callback([options, command, &chosen] {
    bool is_endless = options->until_fail && command->count("--repeat") == 0;
    if (is_endless) options->repeat = 0;
    chosen = [options] { return RunCommand(*options); };
  });
}

void AddMatrixCommand(CLI::App& app, ChosenCommand& chosen) {
  auto options = std::make_shared<RunOptions>();
  auto binaries = std::make_shared<std::vector<std::string>>();
  auto smoke = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("matrix", "Runs tests from every QEMU binary to every other");
  AddList(*command, "--qemu", *binaries, "NAME=PATH: one of the binaries; several");
  command->get_option("--qemu")->required();
  command->add_flag("--smoke", *smoke, "A few tests for each pair");
  AddChoice(*command, *options);
  command->get_option("--smoke")->excludes("--filter");
  AddExecution(*command, *options);
  AddRepetition(*command, *options);
  command->footer(kMatrixFooter);
  command->callback(
      [=, &chosen] { chosen = [=] { return MatrixCommand(*options, *binaries, *smoke); }; });
}

}  // namespace tandem
