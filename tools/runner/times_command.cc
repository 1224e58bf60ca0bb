// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "tools/runner/command.h"
#include "tools/runner/run_folder.h"
#include "tools/runner/shard.h"

namespace tandem {
namespace {

struct TimesOptions {
  std::vector<std::string> folders;
  std::string output;
};

absl::Status MakeTimes(const TimesOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<RunRecord> runs, ReadRuns(options.folders));
  std::vector<TestRecord> records;
  for (const RunRecord& run : runs) {
    records.insert(records.end(), run.records.begin(), run.records.end());
  }
  TestTimes times = TimesOf(records);
  if (times.empty()) return absl::NotFoundError("no test ran to its end in these runs");
  return WriteTimes(options.output, times);
}

}  // namespace

void AddTimesCommand(CLI::App& app, ChosenCommand& chosen) {
  auto options = std::make_shared<TimesOptions>();
  CLI::App* command =
      app.add_subcommand("times", "Makes of runs the file of times that `run --shard` splits by");
  command->add_option("runs", options->folders, "Folders of the runs")->required();
  command->add_option("--output,-o", options->output, "The file for `run --times`")->required();
  command->callback([options, &chosen] {
    chosen = [options] {
      absl::Status status = MakeTimes(*options);
      return status.ok() ? kExitGood : Refuse(status);
    };
  });
}

}  // namespace tandem
