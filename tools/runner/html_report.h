// SPDX-License-Identifier: Apache-2.0
// report.html of a run: its records, with the timelines and scripts that lie in its folder, in one
// page (tools/report draws it).
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "tools/runner/run_record.h"

namespace tandem {

// How to make a report.
struct HtmlReportOptions {
  const RunRecord* baseline = nullptr;  // an earlier run to compare with
  std::string path;                     // default: report.html in the run's folder
  // The page stays below: scripts, then timelines of tests that went well are left out.
  size_t most_bytes = 9'500'000;
};

// Replaces the file in one step. Links to files are relative to it. A test of the run without a
// record counts as not run. The error names the file.
absl::Status WriteHtmlReport(const RunRecord& run, const HtmlReportOptions& options);

}  // namespace tandem
