// SPDX-License-Identifier: Apache-2.0
// What one machine did, gathered from the recording for timeline.json.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/recording.h"
#include "lib/qmp/json.h"

namespace tandem {

// Tenths of a millisecond are what a picture can show, and a short text.
double RoundedMs(double ms);

// One machine's part of a timeline. Takes the entries of its machine in their order; times are ms.
class TimelineLane {
 public:
  explicit TimelineLane(std::string role) : role_(std::move(role)) {}

  void Add(double ms, const RecordingEntry& entry);
  // As docs/results.md describes a lane. `end_ms` is the last time of all lanes.
  Json ToJson(double end_ms) const;

 private:
  struct Mark {
    double ms;
    std::string kind, text;
  };
  template <typename Value>
  using Changes = std::vector<std::pair<double, Value>>;

  void AddCommand(double ms, const std::string& line);
  void AddReply(double ms, const std::string& line);
  void AddEvent(double ms, const std::string& line);
  void AddSerial(double ms, std::string_view bytes);
  void AddProcess(double ms, const std::string& text);
  void AddNote(double ms, const std::string& text);
  void AddMark(double ms, std::string kind, std::string_view text);
  void SetGuest(double ms, const std::string& state);
  void SetMigration(double ms, const std::string& status);

  const std::string role_;
  std::optional<double> start_, end_;
  Changes<std::string> guest_, migration_;
  Changes<int64_t> passes_, remaining_;
  std::vector<std::pair<double, double>> checkpoints_;  // stop and resume
  std::vector<double> serial_;
  std::vector<Mark> marks_;
  std::map<std::string, std::string> sent_;  // commands without answer, by id
  std::optional<std::string> guest_line_;    // a failed self-check, not yet ended
};

}  // namespace tandem
