// SPDX-License-Identifier: Apache-2.0
// The folder that one run writes into: <output>/<time>/, never one that holds an earlier run.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/runner/run_record.h"

namespace tandem {

// Makes <output>/<UTC time>/ and replaces the link <output>/latest in one step. Returns the
// absolute path. InvalidArgument names what cannot be made or written.
absl::StatusOr<std::string> MakeRunFolder(const std::string& output);

// <folder> itself if it holds a run, else the run that <folder>/latest leads to. NotFound names it.
absl::StatusOr<std::string> FindRunFolder(const std::string& folder);

// The runs that a command line names, each found as by FindRunFolder(). Their paths become
// absolute, without links.
absl::StatusOr<std::vector<RunRecord>> ReadRuns(const std::vector<std::string>& folders);

// Gives every attempt of a run a folder of its own, "tests/<id, plain>". Not thread-safe.
class OutputNames {
 public:
  // Attempts after the first, and ids that would share a folder, get "~2", "~3", …
  std::string NameFor(const std::string& id);

 private:
  std::set<std::string> taken_;
};

}  // namespace tandem
