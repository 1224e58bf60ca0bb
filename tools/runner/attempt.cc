// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/attempt.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "lib/base/status.h"
#include "lib/report/stacks.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kLookTime = absl::Seconds(1);
constexpr absl::Duration kStacksTime = absl::Seconds(15);
constexpr absl::Duration kAskedTime = absl::Seconds(5);
constexpr absl::Duration kInterruptedTime = absl::Seconds(15);  // for the evidence of machines
constexpr absl::Duration kGuardianTime = absl::Seconds(10);     // as it gives itself
constexpr absl::Duration kKillTime = absl::Seconds(10);
constexpr size_t kMostStacks = 8;
constexpr size_t kQuotedLine = 1000;
constexpr int64_t kReadTail = 1 << 16;

// The last line that is not empty, of a file that may be long.
std::string LastLineOf(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return "";
  off_t size = lseek(file.get(), 0, SEEK_END);
  std::string tail(static_cast<size_t>(std::min<off_t>(size, kReadTail)), '\0');
  ssize_t read =
      pread(file.get(), tail.data(), tail.size(), size - static_cast<off_t>(tail.size()));
  tail.resize(read < 0 ? 0 : static_cast<size_t>(read));
  std::vector<std::string> lines = SplitLines(tail);
  auto last = std::find_if(lines.rbegin(), lines.rend(),
                           [](const std::string& line) { return !line.empty(); });
  return last == lines.rend() ? "" : Printable(Shorten(*last, kQuotedLine));
}

std::string CommandOf(pid_t pid) {
  std::string text = ReadTextFile(fmt::format("/proc/{}/cmdline", pid));
  for (char& c : text) c = c == '\0' ? ' ' : c;
  return text;
}

// It cleans up behind a test that died, then goes by itself.
bool IsGuardian(pid_t pid) {
  return ReadTextFile(fmt::format("/proc/{}/comm", pid)) == "tandem-guardian\n";
}

std::string StacksOf(const std::vector<pid_t>& pids) {
  Deadline deadline = Deadline::AfterUnscaled(kStacksTime);
  std::string text;
  for (size_t i = 0; i < pids.size(); ++i) {
    text += fmt::format("process {}: {}\n", pids[i], CommandOf(pids[i]));
    if (i < kMostStacks) text += CollectStacks(pids[i], deadline) + "\n";
  }
  return text;
}

// What a test may write into without a limit is its own folder only.
std::vector<std::pair<std::string, std::string>> EnvironmentOf(const PlannedTest& test,
                                                               const std::string& folder,
                                                               const AttemptSettings& settings) {
  auto environment = test.environment;
  environment.emplace_back("TANDEM_ARTIFACTS", folder);
  environment.emplace_back("TANDEM_TIMEOUT",
                           fmt::format("{}", absl::ToDoubleSeconds(settings.timeout)));
  environment.emplace_back("TANDEM_TIMEOUT_FACTOR", fmt::format("{}", settings.timeout_factor));
  environment.emplace_back("TANDEM_TIMELINE", "always");
  if (settings.seed != 0) {
    environment.emplace_back("GTEST_RANDOM_SEED", std::to_string(settings.seed));
  }
  return environment;
}

absl::Duration ScaledTimeout(const AttemptSettings& settings) {
  return settings.timeout * settings.timeout_factor;
}

// Only a test of Tandem has a watchdog.
absl::Duration GraceOf(const PlannedTest& test, const AttemptSettings& settings) {
  return test.convention == ExitConvention::kTandem ? settings.grace : absl::ZeroDuration();
}

}  // namespace

Attempt::Attempt(const PlannedTest& test, int64_t number, const std::string& run_folder,
                 const std::string& output, const AttemptSettings& settings, Recording& recording)
    : test_(test),
      number_(number),
      run_folder_(run_folder),
      output_(output),
      settings_(settings),
      recording_(recording),
      started_(Deadline::AfterUnscaled(absl::ZeroDuration())),
      due_(started_),
      time_over_(Deadline::AfterUnscaled(ScaledTimeout(settings) + GraceOf(test, settings))) {
  end_.convention = test.convention;
  end_.test = test.test;
  end_.timeout = ScaledTimeout(settings);
  end_.grace = GraceOf(test, settings);
  absl::Status started = Start();
  if (started.ok()) return;
  end_.start_error = Message(started);
  Finish();
}

absl::Status Attempt::Start() {
  std::string folder = run_folder_ + "/" + output_;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return ErrnoError(error.value(), "cannot make " + folder);
  SpawnOptions options{.name = "test",
                       .argv = test_.argv,
                       .environment = EnvironmentOf(test_, folder, settings_),
                       .stdout_file = folder + "/stdout.txt",
                       .stderr_file = folder + "/stderr.txt",
                       .ends_by_itself = true};
  TANDEM_ASSIGN_OR_RETURN(child_, ChildProcess::Spawn(options, recording_));
  return absl::OkStatus();
}

Attempt::~Attempt() {
  if (stacks_.valid()) stacks_.wait();
  for (Survivor& survivor : survivors_) IoThread::Instance().Unwatch(survivor.watch);
}

absl::Duration Attempt::elapsed() const {
  return state_ == State::kOver ? took_ : started_.elapsed();
}

bool Attempt::HasNews() const {
  if (news_) return true;
  return (state_ == State::kRunning || state_ == State::kAsked) && has_ended();
}

void Attempt::Wake() {
  news_ = true;
  recording_.Notify();
}

void Attempt::Advance() {
  news_ = false;
  switch (state_) {
    case State::kRunning:
      if (has_ended()) return BeginEnding();
      return time_over_.expired() ? WriteStacks() : LookAtOutput();
    case State::kStacks:
      if (stacks_written_) Ask();
      return;
    case State::kAsked:
      if (has_ended()) return BeginEnding();
      if (due_.expired()) Kill();
      return;
    case State::kEnding:
      return AwaitSurvivors();
    case State::kOver:
      return;
  }
}

// Now and then: there is no event for it.
void Attempt::LookAtOutput() {
  for (const char* name : {"stdout.txt", "stderr.txt"}) {
    std::error_code error;
    uintmax_t size = fs::file_size(fmt::format("{}/{}/{}", run_folder_, output_, name), error);
    if (error || size <= settings_.output_limit) continue;
    end_.flooded = fmt::format("the test wrote more than {} MiB to {}, and was killed",
                               settings_.output_limit >> 20, name);
    return Kill();
  }
  due_ = Deadline::AfterUnscaled(std::min(kLookTime, time_over_.remaining()));
}

// In a thread: others go on meanwhile. Nothing is in its way, because the test hangs.
void Attempt::WriteStacks() {
  end_.was_stopped = true;
  state_ = State::kStacks;
  due_ = Deadline::AfterUnscaled(absl::Hours(1));  // it has a limit of its own
  auto pids = child_->FindTree();
  std::string path = run_folder_ + "/" + output_ + "/stacks.txt";
  stacks_ = std::async(std::launch::async, [this, path, pids = std::move(pids)] {
    std::string text = pids.ok() ? StacksOf(*pids) : Message(pids.status());
    WriteTextFile(path, text).IgnoreError();  // the test's end says what matters
    stacks_written_ = true;
    Wake();
  });
}

void Attempt::Ask() {
  state_ = State::kAsked;
  due_ = Deadline::AfterUnscaled(kAskedTime);
  child_->Signal(SIGTERM).IgnoreError();  // it may have ended
}

void Attempt::Interrupt(const std::string& signal) {
  if (state_ == State::kOver) return;
  if (!end_.interrupted.empty()) return Kill();
  end_.interrupted = signal;
  if (state_ != State::kRunning) return;
  Ask();
  bool has_evidence = test_.convention == ExitConvention::kTandem;
  if (has_evidence) due_ = Deadline::AfterUnscaled(kInterruptedTime);
}

void Attempt::BeginEnding() {
  took_ = started_.elapsed();
  state_ = State::kEnding;
  due_ = Deadline::AfterUnscaled(kGuardianTime);
  AwaitSurvivors();
}

void Attempt::AwaitSurvivors() {
  auto pids = child_->FindTree();
  if (!pids.ok()) {
    end_.left_behind = "whether it left processes cannot be seen: " + Message(pids.status());
    return Finish();
  }
  if (pids->empty()) return Finish();
  if (due_.expired() || !std::any_of(pids->begin(), pids->end(), IsGuardian)) return Kill();
  for (Survivor& survivor : survivors_) IoThread::Instance().Unwatch(survivor.watch);
  survivors_.clear();
  for (pid_t pid : *pids) {
    Survivor survivor{UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)))};
    auto watch = IoThread::Instance().Watch(survivor.pidfd.get(), [this] {
      Wake();
      return false;
    });
    if (!survivor.pidfd.valid() || !watch.ok()) {
      news_ = true;  // gone already, or there is no descriptor: look again
      continue;
    }
    survivor.watch = *watch;
    survivors_.push_back(std::move(survivor));
  }
}

void Attempt::Kill() {
  if (child_ == nullptr) return Finish();
  if (state_ != State::kEnding) took_ = started_.elapsed();
  absl::Status killed = child_->KillTree(Deadline::AfterUnscaled(kKillTime));
  if (!killed.ok()) end_.left_behind = Message(killed);
  Finish();
}

void Attempt::Finish() {
  if (stacks_.valid()) stacks_.wait();
  state_ = State::kOver;
  std::string folder = run_folder_ + "/" + output_;
  if (child_ != nullptr) {
    end_.exit = child_->exit_status();
    end_.last_stderr_line = LastLineOf(folder + "/stderr.txt");
  }
  end_.elapsed = took_;
  std::string results = folder + "/results.jsonl";
  end_.lines = ParseResults(ReadTextFile(results));
  std::error_code ignored;  // they stand in the run's own from now on
  fs::remove(results, ignored);
}

TestRecord Attempt::Record() const {
  Verdict verdict = Judge(end_);
  TestRecord record{.id = test_.id,
                    .family = test_.family,
                    .pair = test_.pair,
                    .attempt = number_,
                    .status = verdict.status,
                    .reason = ValidUtf8(verdict.reason),
                    .seconds = absl::ToDoubleSeconds(took_),
                    .output = child_ == nullptr ? "" : output_,
                    .line = verdict.line};
  if (!record.line.is_object() && !test_.test.empty()) {
    record.line = Json::Object({{"test", test_.test}});
  }
  for (const char* member : {"artifacts", "timeline"}) {
    std::string path = verdict.line[member].Text();
    if (!path.starts_with(run_folder_ + "/")) continue;
    std::string relative = path.substr(run_folder_.size() + 1);
    record.line = record.line.MergedWith(Json::Object({{member, relative}}));
  }
  return record;
}

}  // namespace tandem
