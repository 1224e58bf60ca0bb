// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/runner/command.h"
#include "tools/runner/failure_groups.h"
#include "tools/runner/merge.h"
#include "tools/runner/run_folder.h"
#include "tools/runner/run_summary.h"
#include "tools/runner/terminal.h"

namespace tandem {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 all is there, a test passed, and none failed; 1 otherwise; 2 these are not "
    "parts\n"
    "of one run, or cannot be read or written.\n\n"
    "  tandem merge shard-1 shard-2 shard-3 -o all\n"
    "  tandem merge tandem-results/2* -o week     # repeats: failures by reason over all of them\n";

struct MergeOptions {
  std::vector<std::string> folders;
  std::string output;
  bool link = false, allow_all_skipped = false;
};

int Merge(const MergeOptions& options) {
  auto runs = ReadRuns(options.folders);
  if (!runs.ok()) return Refuse(runs.status());
  auto merged = MergeRuns(*runs);
  if (!merged.ok()) return Refuse(merged.status());
  auto transfer = options.link ? OutputTransfer::kHardLink : OutputTransfer::kCopy;
  auto run = WriteMergedRun(*merged, options.output, transfer);
  if (!run.ok()) return Refuse(run.status());
  RunSummary summary = SummarizeRun(*run, /*retried=*/false);
  Terminal terminal(stdout);
  bool are_repeats = runs->front().info.shard_count == 1;
  if (are_repeats) terminal.Print(DescribeFailures(run->records));
  terminal.Print(DescribeRun(*run, summary, terminal) + "merged: " + options.output);
  for (const std::string& sentence : merged->missing) {
    std::fprintf(stderr, "tandem merge: %s\n", sentence.c_str());
  }
  int code = ExitCodeOf(summary, {.allow_all_skipped = options.allow_all_skipped}, 0);
  return merged->missing.empty() ? code : kExitBad;
}

}  // namespace

void AddMergeCommand(CLI::App& app, ChosenCommand& chosen) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* command = app.add_subcommand("merge", "Makes one run of shards, or of repeats");
  command->footer(kFooter);
  command->add_option("runs", options->folders, "Folders of the runs")->required();
  command->add_option("--output,-o", options->output, "A new folder for the merged run")
      ->required();
  command->add_flag("--link", options->link, "Hard links instead of copies of the evidence");
  command->add_flag("--allow-all-skipped", options->allow_all_skipped,
                    "A run without a test that passed is good");
  command->callback([options, &chosen] { chosen = [options] { return Merge(*options); }; });
}

}  // namespace tandem
