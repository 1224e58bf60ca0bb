// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>

#include "lib/base/status.h"
#include "tools/runner/command.h"
#include "tools/runner/comparison.h"
#include "tools/runner/html_report.h"

namespace tandem {
namespace {

struct ReportSettings {
  std::string run, baseline, output;
};

int Refuse(const absl::Status& status) {
  std::fprintf(stderr, "tandem report: %s\n", Message(status).c_str());
  return kExitRefused;
}

int MakeReport(const ReportSettings& settings) {
  auto run = ReadRun(settings.run);
  if (!run.ok()) return Refuse(run.status());
  HtmlReportOptions options{.path = settings.output};
  std::optional<RunRecord> baseline;
  if (!settings.baseline.empty()) {
    auto earlier = ReadRun(settings.baseline);
    if (!earlier.ok()) return Refuse(earlier.status());
    baseline = *std::move(earlier);
    options.baseline = &*baseline;
  }
  if (options.path.empty()) options.path = run->folder + "/report.html";
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
  command->add_option("DIR", settings.run, "The run's folder, with run.json")->required();
  command->add_option("--baseline", settings.baseline,
                      "The folder of an earlier run: marks what became slower");
  command->add_option("-o,--output", settings.output, "The page (default: DIR/report.html)");
  command->callback([&chosen] { chosen = [] { return MakeReport(settings); }; });
}

}  // namespace tandem
