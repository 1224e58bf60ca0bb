// SPDX-License-Identifier: Apache-2.0
// One test while it runs: a process of its own, its time, and the end of everything it started.
//
//   running ──ends──────────────────────────────► ending ─► over
//      └─time and grace over─► stacks ─► asked ─────┘         nothing of its family lives
//
// A test of Tandem ends itself when its time is over, and writes its evidence in the grace. For all
// others, and for one that hangs even then, stacks of its whole tree are written; it is asked to
// end by SIGTERM, and then killed. What outlives a test, its guardian cleans up; what outlives that
// is killed.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "lib/base/recording.h"
#include "lib/process/child_process.h"
#include "tools/runner/planned_test.h"
#include "tools/runner/run_record.h"
#include "tools/runner/verdict.h"

namespace tandem {

// What a test is given. A value.
struct AttemptSettings {
  absl::Duration timeout = absl::Seconds(120);  // TANDEM_TIMEOUT
  absl::Duration grace = absl::Seconds(30);     // afterwards, for the evidence
  double timeout_factor = 1;                    // TANDEM_TIMEOUT_FACTOR; multiplies the timeout
  int64_t seed = 0;                             // GTEST_RANDOM_SEED; 0: as GoogleTest has it
  uint64_t output_limit = 256 << 20;            // bytes of each standard stream; more is a failure
};

// Owns the process and all that it started. Used on the main thread; whatever should make the owner
// call Advance() wakes the waiters of the recording.
class Attempt {
 public:
  // Starts it, or remembers why it cannot be: then it is over at once. `output` is the folder under
  // `run_folder` for what it writes, made here. `recording` outlives the attempt.
  Attempt(const PlannedTest& test, int64_t number, const std::string& run_folder,
          const std::string& output, const AttemptSettings& settings, Recording& recording);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt();

  // Whether Advance() has something to do now.
  bool HasNews() const;
  // Does what is due. Blocks only while something that was killed goes away.
  void Advance();
  bool over() const { return state_ == State::kOver; }
  // When Advance() has something to do without news.
  const Deadline& due() const { return due_; }
  absl::Duration elapsed() const;

  // Asks it to end because the run does, by the signal of that name: a test of Tandem writes its
  // evidence first. A second call kills it.
  void Interrupt(const std::string& signal);

  // Of what is over.
  TestRecord Record() const;

 private:
  enum class State { kRunning, kStacks, kAsked, kEnding, kOver };
  struct Survivor {
    UniqueFd pidfd;
    IoThread::WatchId watch = 0;
  };

  absl::Status Start();
  bool has_ended() const { return child_ == nullptr || !child_->running(); }
  void LookAtOutput();
  void WriteStacks();
  void Ask();
  void BeginEnding();
  void AwaitSurvivors();
  void Kill();
  void Finish();
  void Wake();

  const PlannedTest test_;
  const int64_t number_;
  const std::string run_folder_, output_;
  const AttemptSettings settings_;
  Recording& recording_;
  const Deadline started_;  // for the time since then
  State state_ = State::kRunning;
  Deadline due_;
  const Deadline time_over_;
  std::unique_ptr<ChildProcess> child_;
  std::future<void> stacks_;
  std::atomic<bool> stacks_written_ = false;
  std::atomic<bool> news_ = false;
  std::vector<Survivor> survivors_;
  absl::Duration took_;
  AttemptEnd end_;
};

}  // namespace tandem
