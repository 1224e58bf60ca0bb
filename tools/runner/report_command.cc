// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "lib/base/status.h"
#include "tools/runner/command.h"
#include "tools/runner/comparison.h"
#include "tools/runner/ctest_run.h"
#include "tools/runner/html_report.h"
#include "tools/runner/run_folder.h"

namespace tandem {
namespace {

struct ReportSettings {
  std::string run, from_ctest, artifacts, baseline, output;
};

absl::StatusOr<RunRecord> ReadNamed(const std::string& folder) {
  TANDEM_ASSIGN_OR_RETURN(std::string found, FindRunFolder(folder));
  return ReadRun(found);
}

absl::StatusOr<RunRecord> ReadChosen(const ReportSettings& settings) {
  if (settings.from_ctest.empty()) return ReadNamed(settings.run);
  return ReadCtestRun(settings.from_ctest, settings.artifacts);
}

// Beside what it was made from.
std::string DefaultPath(const ReportSettings& settings, const RunRecord& run) {
  if (settings.from_ctest.empty()) return run.folder + "/report.html";
  return (std::filesystem::absolute(settings.from_ctest).parent_path() / "report.html").string();
}

int MakeReport(const ReportSettings& settings) {
  auto run = ReadChosen(settings);
  if (!run.ok()) return Refuse(run.status());
  HtmlReportOptions options{.path = settings.output};
  std::optional<RunRecord> baseline;
  if (!settings.baseline.empty()) {
    auto earlier = ReadNamed(settings.baseline);
    if (!earlier.ok()) return Refuse(earlier.status());
    baseline = *std::move(earlier);
    options.baseline = &*baseline;
  }
  if (options.path.empty()) options.path = DefaultPath(settings, *run);
  absl::Status written = WriteHtmlReport(*run, options);
  if (!written.ok()) return Refuse(written);
  std::printf("%s%s\n", RegressionText(CompareRuns(*run, options.baseline)).c_str(),
              options.path.c_str());
  return kExitGood;
}

}  // namespace

void AddReportCommand(CLI::App& app, ChosenCommand& chosen) {
  static ReportSettings settings;
  CLI::App* command = app.add_subcommand("report", "Makes report.html of a run anew");
  command->footer("A run of ctest: ctest --output-junit junit.xml, then --from-ctest junit.xml.");
  auto* what = command->add_option_group("What", "Of what the report is made");
  what->add_option("DIR", settings.run, "A run's folder, or the one with its link `latest`");
  what->add_option("--from-ctest", settings.from_ctest,
                   "What ctest --output-junit wrote, instead of DIR");
  what->require_option(1);
  command
      ->add_option("--artifacts", settings.artifacts,
                   "With --from-ctest: the folder with the tests' results.jsonl and evidence")
      ->envname("TANDEM_ARTIFACTS");
  command->add_option("--baseline", settings.baseline,
                      "The folder of an earlier run: marks what became slower");
  command->add_option("-o,--output", settings.output, "The page (default: DIR/report.html)");
  command->callback([&chosen] { chosen = [] { return MakeReport(settings); }; });
}

}  // namespace tandem
