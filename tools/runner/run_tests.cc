// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_tests.h"

#include <algorithm>
#include <memory>
#include <set>

#include "lib/base/status.h"
#include "tools/runner/attempt_report.h"
#include "tools/runner/fingerprint.h"
#include "tools/runner/host_info.h"
#include "tools/runner/run_folder.h"
#include "tools/runner/schedule.h"

namespace tandem {
namespace {

constexpr absl::Duration kLiveTime = absl::Seconds(1);  // of the clock in the live line
constexpr absl::Duration kLongTime = absl::Minutes(1);
constexpr int64_t kMostSeeds = 99'999;  // of GoogleTest

// One run while it goes on.
class TestRun {
 public:
  TestRun(const std::vector<PlannedTest>& tests, const RunSettings& settings,
          const InterruptSignals& signals, Recording& recording, Terminal& terminal)
      : tests_(tests),
        settings_(settings),
        signals_(signals),
        recording_(recording),
        terminal_(terminal),
        schedule_(settings.jobs) {
    progress_.total = tests.size() * static_cast<size_t>(settings.repeat);
  }

  RunEnd Run() {
    while (StartWhatFits() || !running_.empty()) {
      ShowProgress();
      Wait();
      if (signals_.count() > seen_signals_) Interrupt();
      AdvanceAll();
    }
    terminal_.SetLive("");
    TellTheRest();
    return std::move(end_);
  }

 private:
  struct Running {
    Schedule::Entry entry;
    std::unique_ptr<Attempt> attempt;
  };

  // Whether anything was started.
  bool StartWhatFits() {
    if (schedule_.empty()) AddRound();
    bool any = false;
    while (auto entry = schedule_.TakeNext()) {
      Start(*entry);
      any = true;
    }
    return any;
  }

  // All tests once more.
  void AddRound() {
    bool is_endless = settings_.until_fail && settings_.repeat == 0;
    if (stopped_ || (round_ >= settings_.repeat && !is_endless)) return;
    ++round_;
    if (is_endless) progress_.total += tests_.size();
    for (size_t i = 0; i < tests_.size(); ++i) {
      schedule_.Add({.test = i,
                     .attempt = round_,
                     .cores = tests_[i].cores,
                     .seconds = tests_[i].expected_seconds});
    }
  }

  void Start(const Schedule::Entry& entry) {
    const PlannedTest& test = tests_[entry.test];
    std::string output = names_.NameFor(test.id);
    AttemptSettings own = SettingsFor(test);
    own.seed = SeedOf(entry);
    running_.push_back({entry, std::make_unique<Attempt>(test, entry.attempt, settings_.folder,
                                                         output, own, recording_)});
  }

  // Each repetition draws other numbers; a retry the same, or it would not be the test that failed.
  int64_t SeedOf(const Schedule::Entry& entry) const {
    int64_t first = settings_.attempt.seed;
    if (first == 0 || settings_.retries > 0) return first;
    return (first - 1 + entry.attempt - 1) % kMostSeeds + 1;
  }

  // Where more is busy at once than there are CPUs, everything takes longer.
  AttemptSettings SettingsFor(const PlannedTest& test) const {
    AttemptSettings own = settings_.attempt;
    double busy = std::max(settings_.jobs, test.cores);
    own.timeout_factor *= std::max(1.0, busy / UsableCpus());
    return own;
  }

  void ShowProgress() {
    progress_.running.clear();
    for (const Running& one : running_) {
      progress_.running.emplace_back(tests_[one.entry.test].id, one.attempt->elapsed());
    }
    terminal_.SetLive(DescribeProgress(progress_));
  }

  bool HasNews() const {
    return signals_.count() > seen_signals_ ||
           std::any_of(running_.begin(), running_.end(),
                       [](const Running& one) { return one.attempt->HasNews(); });
  }

  void Wait() {
    absl::Duration duration = terminal_.is_live() ? kLiveTime : kLongTime;
    for (const Running& one : running_) {
      bool is_over = one.attempt->over();  // it could not be started
      duration =
          std::min(duration, is_over ? absl::ZeroDuration() : one.attempt->due().remaining());
    }
    recording_.Wait(Deadline::AfterUnscaled(duration), "a test's end", [this] { return HasNews(); })
        .IgnoreError();  // then something is due
  }

  void Interrupt() {
    seen_signals_ = signals_.count();
    stopped_ = true;
    schedule_.Clear();
    end_.signal = signals_.first();
    std::string name = SignalName(end_.signal);
    if (seen_signals_ == 1) {
      terminal_.Print(name + ": ending the tests that run, with their evidence; again: at once");
    }
    for (Running& one : running_) one.attempt->Interrupt(name);
  }

  void AdvanceAll() {
    for (Running& one : running_) {
      bool is_due = one.attempt->HasNews() || one.attempt->due().expired();
      if (!one.attempt->over() && is_due) one.attempt->Advance();
    }
    std::vector<Running> over;
    for (auto one = running_.begin(); one != running_.end();) {
      if (one->attempt->over()) {
        over.push_back(std::move(*one));
        one = running_.erase(one);
      } else {
        ++one;
      }
    }
    for (const Running& one : over) Finish(one);
  }

  void Finish(const Running& one) {
    schedule_.Release(one.entry);
    TestRecord record = one.attempt->Record();
    record.fingerprint = Fingerprint(record.reason);
    bool failed = IsFailed(record.status);
    bool is_tried_again = failed && !stopped_ && one.entry.attempt <= settings_.retries;
    if (is_tried_again) {
      Schedule::Entry next = one.entry;
      ++next.attempt;
      schedule_.Add(next);
      ++progress_.total;
    }
    if (failed && settings_.until_fail) {
      stopped_ = true;
      schedule_.Clear();
    }
    ++progress_.counts[record.status];
    Keep(record);  // first: what was shown is never lost
    PrintAttempt(record, settings_.folder, settings_.print, terminal_);
  }

  void Keep(const TestRecord& record) {
    told_.insert(record.id);
    absl::Status appended = AppendRecord(settings_.folder, record);
    if (!appended.ok() && end_.lost.ok()) end_.lost = appended;
    end_.records.push_back(record);
  }

  void TellTheRest() {
    std::string reason = end_.signal != 0
                             ? "not started: the run was ended by " + SignalName(end_.signal)
                             : "not started: a test failed before (--until-fail)";
    for (const PlannedTest& test : tests_) {
      if (told_.contains(test.id)) continue;
      TestRecord record{.id = test.id, .family = test.family, .pair = test.pair, .reason = reason};
      record.line = Json::Object({{"test", test.test}});
      Keep(record);
    }
  }

  const std::vector<PlannedTest>& tests_;
  const RunSettings& settings_;
  const InterruptSignals& signals_;
  Recording& recording_;
  Terminal& terminal_;
  Schedule schedule_;
  OutputNames names_;
  std::vector<Running> running_;
  std::set<std::string> told_;  // ids with a record
  Progress progress_;
  int round_ = 0;
  int seen_signals_ = 0;
  bool stopped_ = false;  // nothing more is started
  RunEnd end_;
};

}  // namespace

RunEnd RunTests(const std::vector<PlannedTest>& tests, const RunSettings& settings,
                const InterruptSignals& signals, Recording& recording, Terminal& terminal) {
  return TestRun(tests, settings, signals, recording, terminal).Run();
}

}  // namespace tandem
