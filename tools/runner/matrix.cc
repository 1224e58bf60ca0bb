// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/matrix.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "lib/base/status.h"
#include "tools/runner/matrix_table.h"

namespace tandem {
namespace {

const char* const kFamilies[] = {"precopy", "multifd", "file", "postcopy", "colo"};
const char* const kSmokeTests[] = {
    "Precopy/PrecopyTest.LiveGuestMovesOverUnixSocket/*",
    "Precopy/PrecopyTest.AllRamBlocksArrive/*",
    "Multifd/MultifdCompressionTest.LiveGuestMoves/Zstd",
    "File/FileTest.GuestMoves/StreamStopped",
    "File/FileTest.GuestMoves/MappedRamMultifdLive",
    "Postcopy/PostcopyTest.GuestRunsBeforeItsMemoryIsThere/*",
    "Colo/ColoFailoverTest.SurvivorTakesOver/PcPlainPrimaryAtRest",
    "Colo/ColoFailoverTest.SurvivorTakesOver/Q35MultifdSecondaryAtRest",
};

bool IsName(std::string_view text) {
  auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("._+-").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

}  // namespace

absl::StatusOr<std::vector<NamedBinary>> ParseNamedBinaries(const std::vector<std::string>& texts) {
  std::vector<NamedBinary> binaries;
  for (const std::string& text : texts) {
    size_t end = text.find('=');
    NamedBinary binary{text.substr(0, end), end == text.npos ? "" : text.substr(end + 1)};
    if (!IsName(binary.name) || binary.path.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       "--qemu {}: give NAME=PATH, such as 11.1=/opt/qemu/bin/qemu-system-x86_64; "
                       "a name has letters, digits, dots, hyphens, plus signs and underscores",
                       text);
    }
    auto same = [&](const NamedBinary& other) { return other.name == binary.name; };
    if (std::any_of(binaries.begin(), binaries.end(), same)) {
      return MakeError(absl::StatusCode::kInvalidArgument, "--qemu {}: the name {} comes twice",
                       text, binary.name);
    }
    binaries.push_back(std::move(binary));
  }
  return binaries;
}

std::vector<PlannedTest> PlanMatrix(const std::vector<PlannedTest>& tests,
                                    const std::vector<NamedBinary>& binaries) {
  std::vector<PlannedTest> planned;
  for (const NamedBinary& source : binaries) {
    for (const NamedBinary& destination : binaries) {
      for (PlannedTest test : tests) {
        test.pair = PairName(source.name, destination.name);
        test.id = test.pair + "/" + test.id;
        test.environment.emplace_back("TANDEM_QEMU_SRC", source.path);
        test.environment.emplace_back("TANDEM_QEMU_DST", destination.path);
        planned.push_back(std::move(test));
      }
    }
  }
  return planned;
}

Selection MatrixSelection(bool smoke) {
  if (smoke) return {.filters = {std::begin(kSmokeTests), std::end(kSmokeTests)}};
  return {.labels = {std::begin(kFamilies), std::end(kFamilies)}};
}

}  // namespace tandem
