// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/test_listing.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "lib/base/status.h"
#include "lib/process/child_process.h"
#include "lib/qmp/json.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProgramSuffix = "_test";
constexpr size_t kQuotedOutput = 200;
constexpr int64_t kMostVcpus = 4096;

struct Suite {
  std::string family, program;
  // Own, so that one chatterbox says nothing of the others; and it must outlive the child.
  std::unique_ptr<Recording> recording = std::make_unique<Recording>();
  std::unique_ptr<ChildProcess> child = nullptr;
};

absl::Status ListingError(const std::string& program, const std::string& what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "{} cannot list its tests: {}", program,
                   what);
}

std::vector<std::string> ProgramsIn(const std::string& folder) {
  std::vector<std::string> programs;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string path = entry->path();
    bool is_program = path.ends_with(kProgramSuffix) && entry->is_regular_file(error) &&
                      access(path.c_str(), X_OK) == 0;
    if (is_program) programs.push_back(std::move(path));
  }
  std::sort(programs.begin(), programs.end());
  return programs;
}

// A program that is not ours takes the first argument and ignores the other: it runs nothing.
absl::StatusOr<Suite> StartListing(const std::string& program) {
  std::string name = fs::path(program).filename();
  Suite suite{.family = name.substr(0, name.size() - kProgramSuffix.size()), .program = program};
  auto child =
      ChildProcess::Spawn({.name = name,
                           .argv = {program, "--gtest_list_tests", "--tandem_list_scenarios"},
                           .ends_by_itself = true},
                          *suite.recording);
  if (!child.ok()) return ListingError(program, Message(child.status()));
  suite.child = *std::move(child);
  return suite;
}

absl::StatusOr<PlannedTest> TestFrom(const std::string& text, const Suite& suite) {
  auto line = Json::Parse(text);
  std::string name = line.ok() ? (*line)["test"].Text() : "";
  if (name.find('.') == std::string::npos) {
    return ListingError(suite.program, "it says: " + Printable(Shorten(text, kQuotedOutput)));
  }
  PlannedTest test{.id = suite.family + "." + name, .family = suite.family, .test = name};
  test.labels = {suite.family};
  for (const Json& label : (*line)["labels"].elements()) test.labels.push_back(label.Text());
  int64_t vcpus = (*line)["vcpus"].Integer().value_or(1);
  if (vcpus < 1 || vcpus > kMostVcpus) {
    return ListingError(suite.program, fmt::format("{} keeps {} vCPUs busy", name, vcpus));
  }
  test.cores = static_cast<double>(vcpus);
  test.argv = {suite.program, "--gtest_filter=" + name, "--gtest_also_run_disabled_tests"};
  return test;
}

absl::Status FinishListing(const Suite& suite, const Deadline& deadline,
                           std::vector<PlannedTest>& tests) {
  auto ended = suite.child->WaitForExit(deadline);
  if (!ended.ok()) {
    return ListingError(
        suite.program,
        "it does not end within " + FormatSeconds(absl::ToDoubleSeconds(deadline.elapsed())));
  }
  if (!ended->succeeded()) {
    std::string last = suite.child->last_stderr_line();
    return ListingError(suite.program,
                        "it ended with " + ended->ToString() + (last.empty() ? "" : ": " + last));
  }
  std::set<std::string> ids;
  for (const RecordingEntry& entry : suite.recording->EntriesAfter(0)) {
    if (entry.kind != EntryKind::kStdout) continue;
    TANDEM_ASSIGN_OR_RETURN(PlannedTest test, TestFrom(entry.text, suite));
    if (!ids.insert(test.id).second) return ListingError(suite.program, test.test + " comes twice");
    tests.push_back(std::move(test));
  }
  return ids.empty() ? ListingError(suite.program, "it names none") : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> FindSuitesFolder(const std::string& given) {
  if (!given.empty()) return given;
  fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  std::vector<std::string> looked;
  for (const char* place : {"../libexec/tandem", "../../suites"}) {
    std::string folder = (here / place).lexically_normal();
    if (!ProgramsIn(folder).empty()) return folder;
    looked.push_back(std::move(folder));
  }
  return MakeError(absl::StatusCode::kNotFound,
                   "there are no suites in {}: build or install them, or name their folder with "
                   "--suites",
                   fmt::join(looked, " nor "));
}

absl::StatusOr<std::vector<PlannedTest>> ListSuites(const std::string& folder,
                                                    const Deadline& deadline) {
  std::vector<std::string> programs = ProgramsIn(folder);
  if (programs.empty()) {
    return MakeError(absl::StatusCode::kNotFound,
                     "there is no suite, a program <family>_test, in {}", folder);
  }
  std::vector<Suite> suites;
  for (const std::string& program : programs) {
    TANDEM_ASSIGN_OR_RETURN(Suite suite, StartListing(program));
    suites.push_back(std::move(suite));
  }
  std::vector<PlannedTest> tests;
  for (const Suite& suite : suites) {
    TANDEM_RETURN_IF_ERROR(FinishListing(suite, deadline, tests));
  }
  return tests;
}

void AskForCores(std::vector<PlannedTest>& tests, const Deadline& deadline) {
  std::map<std::string, std::vector<PlannedTest>> listings;  // by program
  for (const PlannedTest& test : tests) {
    bool is_new = test.convention == ExitConvention::kTandem && !listings.contains(test.argv[0]);
    if (!is_new) continue;
    std::vector<PlannedTest>& listed = listings[test.argv[0]];
    auto suite = StartListing(test.argv[0]);
    if (suite.ok()) FinishListing(*suite, deadline, listed).IgnoreError();  // its tests will say so
  }
  for (PlannedTest& test : tests) {
    for (const PlannedTest& listed : listings[test.argv[0]]) {
      if (listed.test == test.test) test.cores = listed.cores;
    }
  }
}

}  // namespace tandem
