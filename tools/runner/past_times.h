// SPDX-License-Identifier: Apache-2.0
// How long tests took on this machine: by it a run is ordered. Kept in the cache folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/runner/planned_test.h"
#include "tools/runner/run_record.h"

namespace tandem {

// Seconds by id of the test. Not thread-safe.
class PastTimes {
 public:
  // From the cache folder. What cannot be read is forgotten; `warning` says so, else it is "".
  static PastTimes Load(std::string& warning);

  // Sets expected_seconds: by this machine, else by the times that come with Tandem, else the
  // median of the others.
  void Estimate(std::vector<PlannedTest>& tests) const;
  // What a test took when it ran to a verdict; counts as much as all before.
  void Add(const TestRecord& record);
  // Adds to what other runs have saved meanwhile. The error names the file. A cache folder that was
  // removed since Load stays so: its owner has cleaned up.
  absl::Status Save() const;

 private:
  std::map<std::string, double> seconds_;
  std::map<std::string, double> added_;  // of this run
  bool folder_was_there_ = false;        // at Load
};

}  // namespace tandem
