// SPDX-License-Identifier: Apache-2.0
// tandem-coverage: docs/coverage.md from the catalogue, the suites and a run, and beside it
// docs/parity.md; exit code 1 when something is not covered and nobody decided so, when parity
// names a test that does not exist, or when a file is out of date (--check).
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "tools/coverage/coverage.h"
#include "tools/coverage/parity.h"

ABSL_FLAG(bool, other_qemu, false,
          "the binary is not the one that the decisions were made for: it may lack what its schema "
          "does not have, and what no test used of its abilities is only listed");
ABSL_FLAG(std::string, catalogue, "docs/scenarios.md", "the scenarios");
ABSL_FLAG(std::string, decisions, "docs/coverage.json", "what is planned, and what cannot be here");
ABSL_FLAG(std::string, parity, "docs/parity.json", "tests of QEMU, and what covers them");
ABSL_FLAG(std::string, peer_tests, "", "what QEMU's migration-test says to -l; default none");
ABSL_FLAG(std::string, results, "", "results.jsonl of a run of all suites; default none");
ABSL_FLAG(std::string, qemu, "", "the binary that the run was on; needed with --results");
ABSL_FLAG(std::string, output, "", "writes docs/coverage.md here, and parity.md beside it");
ABSL_FLAG(std::string, check, "",
          "fails when this docs/coverage.md, or parity.md beside it, is out of date");

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

absl::StatusOr<std::vector<ListedTest>> ListTestsOf(const std::vector<std::string>& programs) {
  std::vector<ListedTest> tests;
  for (const std::string& program : programs) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<ListedTest> more, ListTests(program));
    tests.insert(tests.end(), more.begin(), more.end());
  }
  return tests;
}

absl::StatusOr<Coverage> ReadCoverage(const std::vector<ListedTest>& tests) {
  TANDEM_ASSIGN_OR_RETURN(std::string catalogue, ReadFile(absl::GetFlag(FLAGS_catalogue)));
  std::string path = absl::GetFlag(FLAGS_decisions);
  TANDEM_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  absl::StatusOr<CoverageDecisions> decisions = CoverageDecisions::Parse(text);
  if (!decisions.ok()) return WithContext(decisions.status(), path);
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
  return JoinRun(coverage, results, *facts,
                 absl::GetFlag(FLAGS_other_qemu) ? RunOn::kOtherQemu : RunOn::kDefaultQemu);
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

// Writes or checks a page as --output and --check say: theirs, or the one of that name beside it.
absl::Status TellPage(const std::string& name, const std::string& text,
                      std::vector<std::string>& problems) {
  auto beside = [&name](std::filesystem::path page) {
    return name.empty() ? page.string() : page.replace_filename(name).string();
  };
  if (std::string page = absl::GetFlag(FLAGS_output); !page.empty()) {
    TANDEM_RETURN_IF_ERROR(WriteFile(beside(page), text));
  }
  if (std::string page = absl::GetFlag(FLAGS_check); !page.empty()) {
    TANDEM_ASSIGN_OR_RETURN(std::string found, ReadFile(beside(page)));
    if (WithoutRun(found) != WithoutRun(text)) {
      problems.push_back(beside(page) + " is out of date: run ./dev coverage");
    }
  }
  return absl::OkStatus();
}

// Writes or checks docs/parity.md, as the flags say; what does not fit is added to `problems`.
absl::Status TellParity(const std::vector<ListedTest>& tests, std::vector<std::string>& problems) {
  std::string path = absl::GetFlag(FLAGS_parity);
  TANDEM_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  absl::StatusOr<Parity> parity = Parity::Parse(text);
  if (!parity.ok()) return WithContext(parity.status(), path);
  for (const std::string& problem : CheckParity(*parity, tests)) {
    problems.push_back(path + ": " + problem);
  }
  if (std::string peer = absl::GetFlag(FLAGS_peer_tests); !peer.empty()) {
    TANDEM_ASSIGN_OR_RETURN(std::string listing, ReadFile(peer));
    std::vector<std::string> more = CompareWithPeer(*parity, listing);
    problems.insert(problems.end(), more.begin(), more.end());
  }
  return TellPage("parity.md", RenderParity(*parity), problems);
}

absl::StatusOr<std::vector<std::string>> Run(const std::vector<std::string>& programs) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<ListedTest> tests, ListTestsOf(programs));
  TANDEM_ASSIGN_OR_RETURN(Coverage coverage, ReadCoverage(tests));
  std::vector<std::string> problems = coverage.problems;
  std::optional<RunCoverage> run;
  if (!absl::GetFlag(FLAGS_results).empty()) {
    TANDEM_ASSIGN_OR_RETURN(run, ReadRun(coverage));
    problems.insert(problems.end(), run->problems.begin(), run->problems.end());
  }
  TANDEM_RETURN_IF_ERROR(TellPage("", RenderCoverage(coverage, run), problems));
  TANDEM_RETURN_IF_ERROR(TellParity(tests, problems));
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
