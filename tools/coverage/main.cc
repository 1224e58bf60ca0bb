// SPDX-License-Identifier: Apache-2.0
// tandem-coverage: docs/coverage.md from the catalogue, the suites and a run; exit code 1 when
// something is not covered and nobody decided so, or when the file is out of date (--check).
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "tools/coverage/coverage.h"

ABSL_FLAG(std::string, catalogue, "docs/scenarios.md", "the scenarios");
ABSL_FLAG(std::string, decisions, "docs/coverage.json", "what is planned, and what cannot be here");
ABSL_FLAG(std::string, results, "", "results.jsonl of a run of all suites; default none");
ABSL_FLAG(std::string, qemu, "", "the binary that the run was on; needed with --results");
ABSL_FLAG(std::string, output, "", "writes docs/coverage.md here");
ABSL_FLAG(std::string, check, "", "fails when this docs/coverage.md is out of date");

namespace tandem {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return MakeError(absl::StatusCode::kNotFound, "cannot read {}", path);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

absl::StatusOr<std::vector<ListedTest>> ListTests(const std::string& program) {
  Recording recording;
  TANDEM_ASSIGN_OR_RETURN(
      std::unique_ptr<ChildProcess> child,
      ChildProcess::Spawn(
          {.name = "suite", .argv = {program, "--tandem_list_scenarios"}, .ends_by_itself = true},
          recording));
  TANDEM_ASSIGN_OR_RETURN(ExitStatus ended, child->WaitForExit(Deadline::After(absl::Seconds(30))));
  if (!ended.succeeded()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "{} --tandem_list_scenarios: {}: {}",
                     program, ended.ToString(), child->last_stderr_line());
  }
  std::vector<ListedTest> tests;
  for (const RecordingEntry& entry : recording.EntriesAfter(0)) {
    if (entry.kind != EntryKind::kStdout) continue;
    TANDEM_ASSIGN_OR_RETURN(Json line, Json::Parse(entry.text));
    ListedTest test{.name = line["test"].Text()};
    for (const Json& row : line["scenarios"].elements()) test.rows.push_back(row.Text());
    tests.push_back(std::move(test));
  }
  return tests;
}

absl::StatusOr<Coverage> ReadCoverage(const std::vector<std::string>& programs) {
  TANDEM_ASSIGN_OR_RETURN(std::string catalogue, ReadFile(absl::GetFlag(FLAGS_catalogue)));
  std::string path = absl::GetFlag(FLAGS_decisions);
  TANDEM_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  absl::StatusOr<CoverageDecisions> decisions = CoverageDecisions::Parse(text);
  if (!decisions.ok()) return WithContext(decisions.status(), path);
  std::vector<ListedTest> tests;
  for (const std::string& program : programs) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<ListedTest> more, ListTests(program));
    tests.insert(tests.end(), more.begin(), more.end());
  }
  return JoinCoverage(ParseCatalogue(catalogue), tests, *std::move(decisions));
}

absl::StatusOr<RunCoverage> ReadRun(const Coverage& coverage) {
  TANDEM_ASSIGN_OR_RETURN(std::string text, ReadFile(absl::GetFlag(FLAGS_results)));
  std::vector<Json> results;
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find('\n', start), text.size());
    absl::StatusOr<Json> line = Json::Parse(text.substr(start, end - start));
    if (line.ok()) results.push_back(*line);  // one that was cut off says nothing
    start = end + 1;
  }
  TANDEM_ASSIGN_OR_RETURN(QemuBinary binary, ParseQemuBinary(absl::GetFlag(FLAGS_qemu), "--qemu"));
  TANDEM_ASSIGN_OR_RETURN(const BinaryFacts* facts,
                          FactsOf(binary, Deadline::After(absl::Seconds(30))));
  return JoinRun(coverage, results, *facts);
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? absl::OkStatus()
              : MakeError(absl::StatusCode::kUnavailable, "cannot write {}", path);
}

// The part that no run changes.
std::string WithoutRun(const std::string& text) { return text.substr(0, text.find(kRunHeading)); }

absl::StatusOr<std::vector<std::string>> Run(const std::vector<std::string>& programs) {
  TANDEM_ASSIGN_OR_RETURN(Coverage coverage, ReadCoverage(programs));
  std::vector<std::string> problems = coverage.problems;
  std::optional<RunCoverage> run;
  if (!absl::GetFlag(FLAGS_results).empty()) {
    TANDEM_ASSIGN_OR_RETURN(run, ReadRun(coverage));
    problems.insert(problems.end(), run->problems.begin(), run->problems.end());
  }
  std::string text = RenderCoverage(coverage, run);
  if (std::string path = absl::GetFlag(FLAGS_output); !path.empty()) {
    TANDEM_RETURN_IF_ERROR(WriteFile(path, text));
  }
  if (std::string path = absl::GetFlag(FLAGS_check); !path.empty()) {
    TANDEM_ASSIGN_OR_RETURN(std::string found, ReadFile(path));
    if (WithoutRun(found) != WithoutRun(text)) {
      problems.push_back(path + " is out of date: run ./dev coverage");
    }
  }
  return problems;
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "tandem-coverage [--output=FILE | --check=FILE] [--results=FILE --qemu=PATH] SUITE…\n"
      "Joins the scenarios with the tests of the suites, and says what is not covered.");
  std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  absl::StatusOr<std::vector<std::string>> problems = tandem::Run({words.begin() + 1, words.end()});
  if (!problems.ok()) {
    std::fprintf(stderr, "tandem-coverage: %s\n", tandem::Message(problems.status()).c_str());
    return 2;
  }
  for (const std::string& problem : *problems) {
    std::fprintf(stderr, "tandem-coverage: %s\n", problem.c_str());
  }
  return problems->empty() ? 0 : 1;
}
