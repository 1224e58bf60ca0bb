// SPDX-License-Identifier: Apache-2.0
#include "lib/report/timeline_json.h"

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "lib/report/evidence.h"
#include "lib/report/text.h"
#include "lib/report/timeline_lane.h"

namespace tandem {
namespace {

constexpr size_t kMostNotes = 100;
constexpr size_t kLongestText = 120;
constexpr size_t kLongestFailure = 400;

// The wait that ended in the failure, if one did.
const FailedWait* WaitOf(const FailingMoment& failed, const std::vector<FailedWait>& waits) {
  const FailedWait* last = nullptr;
  for (const FailedWait& wait : waits) {
    bool told = failed.failure.find(wait.awaited) != std::string::npos;
    if (told && wait.ended <= failed.time) last = &wait;
  }
  return last;
}

class TimelineReader {
 public:
  explicit TimelineReader(const Recording& recording) : recording_(recording) {
    std::vector<RecordingEntry> entries = recording.EntriesAfter(0);
    for (const RecordingEntry& entry : entries) {
      if (entry.kind == EntryKind::kProcess) Lane(entry.origin);
    }
    for (const RecordingEntry& entry : entries) Add(entry);
  }

  Json Finish(const std::optional<FailingMoment>& failed) const {
    std::vector<Json::Member> members = {{"schema", kTimelineSchema}, {"end_ms", RoundedMs(end_)}};
    if (teardown_) members.emplace_back("teardown_ms", RoundedMs(*teardown_));
    if (failed) members.emplace_back("failure", Failure(*failed));
    std::vector<Json> lanes;
    for (const TimelineLane& lane : lanes_) lanes.push_back(lane.ToJson(end_));
    members.emplace_back("lanes", Json::Array(lanes));
    if (!notes_.empty()) members.emplace_back("notes", Json::Array(notes_));
    return Json::Object(members);
  }

 private:
  double Milliseconds(absl::Time time) const {
    return absl::ToDoubleMilliseconds(time - recording_.start_time());
  }

  TimelineLane& Lane(const std::string& role) {
    auto [lane, is_new] = by_role_.try_emplace(role, nullptr);
    if (is_new) lane->second = &lanes_.emplace_back(role);
    return *lane->second;
  }

  void Add(const RecordingEntry& entry) {
    double ms = Milliseconds(entry.time);
    end_ = std::max(end_, ms);
    if (auto lane = by_role_.find(entry.origin); lane != by_role_.end()) {
      lane->second->Add(ms, entry);
    } else if (entry.kind == EntryKind::kNote && entry.text == kTeardownNote) {
      teardown_ = ms;
    } else if (entry.kind == EntryKind::kNote && notes_.size() < kMostNotes) {
      notes_.push_back(
          Json::Array({RoundedMs(ms), entry.origin, Shorten(Printable(entry.text), kLongestText)}));
    }
  }

  Json Failure(const FailingMoment& failed) const {
    std::vector<Json::Member> members = {
        {"ms", RoundedMs(Milliseconds(failed.time))},
        {"text", Shorten(ValidUtf8(failed.failure), kLongestFailure)}};
    std::vector<FailedWait> waits = recording_.failed_waits();
    if (const FailedWait* wait = WaitOf(failed, waits)) {
      members.emplace_back("awaited", Shorten(ValidUtf8(wait->awaited), kLongestText));
      members.emplace_back("awaited_since_ms", RoundedMs(Milliseconds(wait->began)));
    }
    return Json::Object(members);
  }

  const Recording& recording_;
  std::deque<TimelineLane> lanes_;  // in the order of their processes' starts
  std::map<std::string, TimelineLane*> by_role_;
  std::vector<Json> notes_;
  double end_ = 0;
  std::optional<double> teardown_;
};

}  // namespace

Json TimelineJson(const Recording& recording, const std::optional<FailingMoment>& failed) {
  return TimelineReader(recording).Finish(failed);
}

}  // namespace tandem
