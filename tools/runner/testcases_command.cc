// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "lib/report/evidence.h"
#include "lib/report/text.h"
#include "tools/runner/command.h"
#include "tools/runner/selection.h"
#include "tools/runner/test_listing.h"
#include "tools/runner/testcase_file.h"

namespace tandem {
namespace {

constexpr absl::Duration kListingTime = absl::Seconds(60);

constexpr char kFooter[] =
    "Makes OUTPUT/default/<family>/<test>.test, and OUTPUT/slow/… of the slow ones. An "
    "installation\n"
    "has them in share/tandem/testcases:\n\n"
    "  tandem run --dirs PREFIX/share/tandem/testcases/default --path PREFIX\n";

struct TestcasesOptions {
  std::string suites, programs, output;
};

// The command as a testcase has it: of a program that may lie elsewhere, with its code for a skip.
std::string TextFor(const PlannedTest& test, const std::string& programs) {
  std::vector<std::string> words = test.argv;
  if (!programs.empty()) {
    words[0] = programs + "/" + std::filesystem::path(words[0]).filename().string();
  }
  words.emplace_back(kTestcaseSkipFlag);
  return TestcaseText(words);
}

absl::Status MakeTestcases(const TestcasesOptions& options) {
  namespace fs = std::filesystem;
  TANDEM_ASSIGN_OR_RETURN(std::string suites, FindSuitesFolder(options.suites));
  TANDEM_ASSIGN_OR_RETURN(std::vector<PlannedTest> tests,
                          ListSuites(suites, Deadline::After(kListingTime)));
  std::error_code error;
  if (fs::exists(options.output, error) && !fs::is_empty(options.output, error)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "{} is there already, and not empty",
                     options.output);
  }
  for (const PlannedTest& test : tests) {
    if (HasLabel(test, "disabled")) continue;
    std::string folder = fmt::format("{}/{}/{}", options.output,
                                     HasLabel(test, "slow") ? "slow" : "default", test.family);
    fs::create_directories(folder, error);
    if (error) return ErrnoError(error.value(), "cannot make " + folder);
    std::string file = fmt::format("{}/{}.test", folder, ArtifactFolderName(test.test));
    if (fs::exists(file)) {
      return MakeError(absl::StatusCode::kInternal, "two tests would have the testcase {}", file);
    }
    TANDEM_RETURN_IF_ERROR(WriteTextFile(file, TextFor(test, options.programs)));
  }
  return absl::OkStatus();
}

}  // namespace

void AddTestcasesCommand(CLI::App& app, ChosenCommand& chosen) {
  auto options = std::make_shared<TestcasesOptions>();
  CLI::App* command = app.add_subcommand("testcases", "Writes a testcase file for each test");
  command->footer(kFooter);
  command->add_option("--output,-o", options->output, "A new folder for the files")->required();
  command->add_option("--suites", options->suites, "Folder of the test programs");
  command->add_option("--programs", options->programs,
                      "How the files name that folder; default as it is");
  command->callback([options, &chosen] {
    chosen = [options] {
      absl::Status status = MakeTestcases(*options);
      return status.ok() ? kExitGood : Refuse(status);
    };
  });
}

}  // namespace tandem
