// SPDX-License-Identifier: Apache-2.0
// The files that a test left, as a report shows them and links to them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/runner/run_record.h"

namespace tandem {

// A file to link to. A value.
struct ReportFile {
  std::string link;  // relative to the page's folder
  int64_t bytes = 0;
};

// What the test wrote and what was kept of its output, by name; at most 60.
std::vector<ReportFile> FilesOf(const RunRecord& run, const TestRecord& record,
                                const std::string& page_folder);

// timeline.json of the record as one line; "" when it has none, or what it has is no JSON.
std::string TimelineText(const RunRecord& run, const TestRecord& record);

// Its reproduce.sh; "" when it has none.
std::string ScriptText(const RunRecord& run, const TestRecord& record);

}  // namespace tandem
