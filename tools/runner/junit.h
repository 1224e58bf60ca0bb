// SPDX-License-Identifier: Apache-2.0
// A run as junit.xml, for engines that show test results: Jenkins, GitLab, reporters for GitHub.
//
// There is no standard. Written is what all of them read (tools/runner/junit.xsd): a <testsuite>
// for each family, of each pair in a matrix; in it a <testcase> for each attempt, and for each test
// that the run did not come to. FAILED is a <failure>; TIMED_OUT, CRASHED and NOT_RUN are an
// <error>, by the `type` that name; SKIPPED and KNOWN_DEFECT are <skipped> with the reason. What
// the engines show beside a failure, the end of both outputs and the folder of the evidence, is
// limited. What XML cannot hold is left out.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tools/runner/run_record.h"

namespace tandem {

// The file's text. Outputs are read from the run's folder, where they are there.
std::string JunitXml(const RunRecord& run);

// Bytes that are no valid UTF-8 become U+FFFD; characters that XML 1.0 does not allow, not even
// escaped, such as control characters, are left out. Not escaped yet.
std::string XmlCharacters(std::string_view text);

// Replaces <run.folder>/junit.xml. The error names the file.
absl::Status WriteJunit(const RunRecord& run);

}  // namespace tandem
