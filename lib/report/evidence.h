// SPDX-License-Identifier: Apache-2.0
// Everything that is needed to understand a failed test, as files in one folder.
//
// The fixture collects while the machines live (last states, stacks, the oracle's report); the rest
// is a rendering of the Recording: nothing here talks to QEMU. One thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lib/base/recording.h"

namespace tandem {

// What was collected of one machine.
struct MachineEvidence {
  std::string role;                       // "source", "secondary", …; the origin in the recording
  std::vector<std::string> command_line;  // wrapper first; with the sockets of the run
  std::string version;                    // "11.1.3 (Debian …)"
  std::string process_state;              // "running with pid 17", "ended with signal 6 (SIGABRT)"
  // Last answers, by query ("query-migrate", "query-status", "query-colo-status"): pretty JSON, or
  // the error that came instead.
  std::vector<std::pair<std::string, std::string>> last_answers;
  std::string oracle_report;  // OracleReport::Summary(), or why there is none; "" when not asked
  std::string stacks;         // of all threads; "" when not taken
};

// What was collected of one test. A value, but for `recording`, which must outlive it.
struct TestEvidence {
  std::string test_name;              // "Suite.Test/Parameter"
  std::vector<std::string> failures;  // "file:line\nmessage", as GoogleTest reports them
  absl::Time failed_at;               // the first of them; without meaning when there is none
  const Recording* recording = nullptr;
  std::vector<MachineEvidence> machines;
  std::vector<std::string> files;  // migration files and the like, to be copied
  std::optional<int> random_seed;  // of a test that drew random numbers
};

// "Pc/ColoTest.A/b" → "Pc.ColoTest.A.b": a name for a folder.
std::string ArtifactFolderName(const std::string& test_name);

// The file's name in that folder.
inline constexpr std::string_view kTimelineFile = "timeline.json";

// Writes into `directory`, which is made, or emptied of an earlier run of the same test:
//   failure.txt            the failures, and what each machine's last state was
//   timeline.txt           all entries of the recording but replies, merged over the machines;
//                          times in ms since the start of the recording
//   timeline.json          the same as a tool draws it (docs/results.md)
//   reproduce.sh           starts the machines anew and replays what was said to them
//   <role>.command.txt     the command line, one argument a line, quoted for a shell
//   <role>.qmp.log         the whole conversation with times in microseconds, "->" and "<-"
//   <role>.serial.log      the console's bytes
//   <role>.stderr.log      standard error (and output) with times
//   <role>.state.json      the last answers
//   <role>.stacks.txt      the stacks, if there are
//   oracle.txt             the oracle's reports, if there are
//   and copies of `files`.
// Writes as much as it can; the first error, naming the file, is returned.
absl::Status WriteEvidence(const std::string& directory, const TestEvidence& evidence);

// timeline.json alone, as <directory>/timeline.json; the directory is made, or emptied.
absl::Status WriteTimeline(const std::string& directory, const TestEvidence& evidence);

// At most `lines` lines for the console: what the failure was, each machine's last state, the
// oracle's diagnosis, the last events, and where the rest is.
std::string SummarizeEvidence(const std::string& directory, const TestEvidence& evidence,
                              size_t lines);

// Append this note to the recording before the machines of a test are ended: what follows it is not
// replayed.
inline constexpr std::string_view kTeardownNote = "teardown";

// The script alone; see reproduce.cc for how it keeps the order of commands and events.
std::string ReproduceScript(const TestEvidence& evidence);

}  // namespace tandem
