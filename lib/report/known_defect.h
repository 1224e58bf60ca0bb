// SPDX-License-Identifier: Apache-2.0
// Known defects of QEMU, as a data file names them: on which binaries a defect is, which tests it
// ends, and by which symptom it is told from every other failure.
//
// The file is a JSON array of objects with these members:
//   id                required; letters, digits, '-', '.', '_'
//   tests             required; shell patterns for "Suite.Test/Parameter" (fnmatch(3))
//   symptoms          required; regular expressions (ECMAScript), one of which is found in what a
//                     failed assertion says
//   meaning           required; what goes wrong, in a sentence
//   reference         required; where more is said
//   side              whose binary counts: "source" (the primary), "destination" (the secondary),
//                     "either" (default), "both"
//   from, to          first and last version that has it ("10.0", "11.1.3"), inclusive and as exact
//                     as they are written; open when absent
//   peer_from,        the same of the other side, for a defect of a pair of versions; with the side
//   peer_to           "source" or "destination" only
//   accelerators      such as ["tcg"]; any when absent
//   error_lines       what QEMU prints on standard error in this defect, each a part of a line
//   rare              true: shows so seldom that a test which could meet it does not say that it
//                     did not show
//   patience_seconds  how long a test waits for a QEMU that this defect lets hang
#pragma once

#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tandem {

// The test that runs, and on what.
struct DefectSubject {
  std::string test;  // "Suite.Test/Parameter"
  std::string source_version, destination_version;
  std::string accelerator;
};

// One entry of the file. A value.
struct KnownDefect {
  enum class Side { kSource, kDestination, kEither, kBoth };

  std::string id;
  std::vector<std::string> tests;
  std::vector<std::string> symptoms;
  std::string meaning;
  std::string reference;
  Side side = Side::kEither;
  std::string from, to, peer_from, peer_to;
  std::vector<std::string> accelerators;
  std::vector<std::string> error_lines;
  std::optional<absl::Duration> patience;
  bool rare = false;

  // Whether test and binaries are those of the entry.
  bool AppliesTo(const DefectSubject& subject) const;
  // Whether a failure that says `text` is this defect.
  bool Explains(const std::string& text) const;

  std::vector<std::regex> compiled_symptoms;  // from `symptoms`
};

// InvalidArgument when `text` is not such a file: it names `origin`, the entry, what is wrong with
// which member, and what is expected.
absl::StatusOr<std::vector<KnownDefect>> ParseKnownDefects(std::string_view text,
                                                           const std::string& origin);

// "10.0" ≤ "10.0.13": whether `version` lies between the two, to as many numbers as each has. An
// empty bound is open.
bool IsVersionWithin(const std::string& version, const std::string& from, const std::string& to);

}  // namespace tandem
