// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/status.h"
#include "tools/runner/command.h"
#include "tools/runner/failure_groups.h"
#include "tools/runner/merge.h"
#include "tools/runner/run_folders.h"

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
  bool link = false;
};

int Refuse(const absl::Status& status) {
  std::fprintf(stderr, "tandem merge: %s\n", Message(status).c_str());
  return kExitRefused;
}

std::string Counts(const std::vector<TestRecord>& records) {
  std::map<TestStatus, int> counts;
  for (const TestRecord& record : records) ++counts[record.status];
  std::vector<std::string> texts;
  for (auto [status, count] : counts)
    texts.push_back(fmt::format("{} {}", count, StatusName(status)));
  return fmt::format("{}", fmt::join(texts, ", "));
}

int Merge(const MergeOptions& options) {
  auto runs = ReadRuns(options.folders);
  if (!runs.ok()) return Refuse(runs.status());
  auto merged = MergeRuns(*runs);
  if (!merged.ok()) return Refuse(merged.status());
  auto transfer = options.link ? OutputTransfer::kHardLink : OutputTransfer::kCopy;
  auto run = WriteMergedRun(*merged, options.output, transfer);
  if (!run.ok()) return Refuse(run.status());
  bool passed = false, failed = !merged->missing.empty();
  for (const TestRecord& record : run->records) {
    passed |= record.status == TestStatus::kPassed;
    failed |= IsFailure(record.status);
  }
  std::printf("%s%zu tests of %zu runs: %s\nmerged into %s\n",
              DescribeFailures(run->records).c_str(), run->info.tests.size(), runs->size(),
              Counts(run->records).c_str(), options.output.c_str());
  std::fflush(stdout);
  for (const std::string& sentence : merged->missing) {
    std::fprintf(stderr, "tandem merge: %s\n", sentence.c_str());
  }
  return failed || !passed ? kExitBad : kExitGood;
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
  command->callback([options, &chosen] { chosen = [options] { return Merge(*options); }; });
}

}  // namespace tandem
