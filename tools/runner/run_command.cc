// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/run_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/qemu/binary_facts.h"
#include "lib/report/text.h"
#include "tools/runner/command.h"
#include "tools/runner/failure_groups.h"
#include "tools/runner/host_info.h"
#include "tools/runner/matrix_table.h"
#include "tools/runner/past_times.h"
#include "tools/runner/renderings.h"
#include "tools/runner/run_folder.h"
#include "tools/runner/run_tests.h"
#include "tools/runner/shard.h"
#include "tools/runner/test_listing.h"

namespace tandem {
namespace {

constexpr absl::Duration kListingTime = absl::Seconds(30);
constexpr absl::Duration kProbeTime = absl::Seconds(30);
constexpr double kDefaultTimeout = 120;
constexpr int kBisectSkip = 125;  // of git bisect run

int RefusalCode(const RunOptions& options) {
  return options.rules.bisect ? kExitBisectStops : kExitRefused;
}

void Warn(const std::string& text) { std::fprintf(stderr, "tandem: warning: %s\n", text.c_str()); }

absl::Status Contradiction(const std::string& text) {
  return absl::InvalidArgumentError(text + "; see tandem run --help");
}

bool HasTestcases(const RunOptions& options) {
  return !options.testcases.files.empty() || !options.testcases.folders.empty();
}

absl::Status CheckOptions(const RunOptions& options) {
  if (!options.qemu.empty() && !(options.source.empty() && options.destination.empty())) {
    return Contradiction("--qemu is for both sides: give it, or --src and --dst");
  }
  if (options.source.empty() != options.destination.empty()) {
    return Contradiction("--src and --dst come together");
  }
  if (options.retries > 0 && (options.until_fail || options.repeat != 1)) {
    return Contradiction("--retries hides what --repeat and --until-fail look for");
  }
  if (options.rules.allow_flaky && options.retries == 0) {
    return Contradiction("--allow-flaky says nothing without --retries");
  }
  if (!options.testcases.root.empty() && !HasTestcases(options)) {
    return Contradiction("--path says nothing without --testcases or --dirs");
  }
  if (!options.times.empty() && options.shard.empty()) {
    return Contradiction("--times says nothing without --shard");
  }
  if (options.rules.bisect && options.rules.allow_all_skipped) {
    return Contradiction(
        "--bisect tells what was skipped by itself: leave out --allow-all-skipped");
  }
  return absl::OkStatus();
}

// What the tests inherit. GoogleTest's own variables would choose other tests, or none.
void SetEnvironment(const RunOptions& options) {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    if (text.starts_with("GTEST_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) unsetenv(name.c_str());
  if (!options.qemu.empty()) {
    setenv("TANDEM_QEMU", options.qemu.c_str(), 1);
    unsetenv("TANDEM_QEMU_SRC");
    unsetenv("TANDEM_QEMU_DST");
  }
  if (!options.source.empty()) {
    setenv("TANDEM_QEMU_SRC", options.source.c_str(), 1);
    setenv("TANDEM_QEMU_DST", options.destination.c_str(), 1);
  }
}

// A testcase file may be about anything; but a binary that was named is to be there.
bool NeedsQemu(const RunOptions& options, const std::vector<PlannedTest>& tests) {
  if (!options.qemu.empty() || !options.source.empty()) return true;
  return std::any_of(tests.begin(), tests.end(), [](const PlannedTest& test) {
    return test.convention == ExitConvention::kTandem;
  });
}

absl::StatusOr<std::string> VersionOf(const QemuBinary& binary) {
  auto facts = FactsOf(binary, Deadline::After(kProbeTime));
  if (!facts.ok()) return WithContext(facts.status(), binary.origin);
  return (*facts)->version;
}

// Named by the option where there is one, so that a complaint names it, too.
absl::StatusOr<QemuBinary> BinaryOf(const RunOptions& options, MigrationSide side) {
  bool is_source = side == MigrationSide::kSource;
  if (!options.qemu.empty()) return ParseQemuBinary(options.qemu, "--qemu " + options.qemu);
  if (options.source.empty()) return QemuBinaryFromEnvironment(side);
  const std::string& path = is_source ? options.source : options.destination;
  return ParseQemuBinary(path, (is_source ? "--src " : "--dst ") + path);
}

// Versions by side, or by the names of a matrix.
absl::StatusOr<std::map<std::string, std::string>> AskQemu(const RunOptions& options) {
  std::map<std::string, std::string> versions;
  for (const auto& [name, path] : options.matrix) {
    TANDEM_ASSIGN_OR_RETURN(QemuBinary binary,
                            ParseQemuBinary(path, "--qemu " + name + "=" + path));
    TANDEM_ASSIGN_OR_RETURN(versions[name], VersionOf(binary));
  }
  if (!options.matrix.empty()) return versions;
  for (MigrationSide side : {MigrationSide::kSource, MigrationSide::kDestination}) {
    TANDEM_ASSIGN_OR_RETURN(QemuBinary binary, BinaryOf(options, side));
    const char* name = side == MigrationSide::kSource ? "source" : "destination";
    TANDEM_ASSIGN_OR_RETURN(versions[name], VersionOf(binary));
  }
  return versions;
}

// Suites beside testcases only when they are named, too.
bool HasSuites(const RunOptions& options) {
  return !HasTestcases(options) || !options.suites.empty();
}

absl::StatusOr<std::vector<PlannedTest>> ListTests(const RunOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<PlannedTest> all, PlanTestcases(options.testcases));
  AskForCores(all, Deadline::After(kListingTime));
  if (!HasSuites(options)) return all;
  TANDEM_ASSIGN_OR_RETURN(std::string folder, FindSuitesFolder(options.suites));
  TANDEM_ASSIGN_OR_RETURN(std::vector<PlannedTest> suites,
                          ListSuites(folder, Deadline::After(kListingTime)));
  all.insert(all.end(), suites.begin(), suites.end());
  return all;
}

absl::StatusOr<std::vector<PlannedTest>> PlanTests(const RunOptions& options) {
  TANDEM_RETURN_IF_ERROR(CheckOptions(options));
  Selection selection = options.selection;
  if (!options.only_failed.empty()) {
    TANDEM_ASSIGN_OR_RETURN(std::string folder, FindRunFolder(options.only_failed));
    TANDEM_ASSIGN_OR_RETURN(RunRecord earlier, ReadRun(folder));
    TANDEM_ASSIGN_OR_RETURN(selection.ids, FailedTestsOf(earlier));
  }
  TANDEM_ASSIGN_OR_RETURN(std::vector<PlannedTest> all, ListTests(options));
  if (!options.matrix.empty()) all = PlanMatrix(all, options.matrix);
  return SelectTests(all, selection);
}

absl::StatusOr<AttemptSettings> TimesFor(const RunOptions& options) {
  double timeout = options.timeout;
  if (timeout == 0) {
    TANDEM_ASSIGN_OR_RETURN(timeout,
                            EnvironmentNumber("TANDEM_TIMEOUT", kDefaultTimeout, 1, 86400));
  }
  return AttemptSettings{.timeout = absl::Seconds(timeout),
                         .grace = absl::Seconds(options.grace),
                         .timeout_factor = TimeoutFactor(),
                         .seed = options.seed,
                         .output_limit = static_cast<uint64_t>(options.output_limit) << 20};
}

absl::StatusOr<std::vector<PlannedTest>> TestsOfThisShard(const RunOptions& options,
                                                          const std::vector<PlannedTest>& all) {
  TANDEM_ASSIGN_OR_RETURN(Shard shard, ParseShard(options.shard));
  TestTimes times = BuiltInTimes();
  if (!options.times.empty()) {
    TANDEM_ASSIGN_OR_RETURN(times, ReadTimes(options.times));
  }
  std::vector<PlannedTest> own = TestsOfShard(all, times, shard);
  if (!own.empty()) return own;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the shard {} is empty: there are only {} tests; split them into fewer shards",
                   options.shard, all.size());
}

// A run before its first test.
struct PreparedRun {
  std::vector<PlannedTest> tests;
  RunSettings settings;
  RunInfo info;
};

// Chooses the tests; what is known of them goes into the run's info.
absl::Status Prepare(const RunOptions& options, PreparedRun& run) {
  TANDEM_ASSIGN_OR_RETURN(run.tests, PlanTests(options));
  if (!options.shard.empty()) {
    for (const PlannedTest& test : run.tests) run.info.all_tests.push_back(test.id);
    TANDEM_ASSIGN_OR_RETURN(Shard shard, ParseShard(options.shard));
    TANDEM_ASSIGN_OR_RETURN(run.tests, TestsOfThisShard(options, run.tests));
    run.info.shard_index = shard.index;
    run.info.shard_count = shard.count;
  }
  for (const PlannedTest& test : run.tests) run.info.tests.push_back(test.id);
  return absl::OkStatus();
}

absl::StatusOr<RunSettings> MakeSettings(const RunOptions& options) {
  RunSettings settings{.jobs = options.jobs > 0 ? options.jobs : UsableCpus(),
                       .repeat = options.repeat,
                       .until_fail = options.until_fail,
                       .retries = options.retries};
  TANDEM_ASSIGN_OR_RETURN(settings.attempt, TimesFor(options));
  for (const std::string& print : options.print) {
    TANDEM_RETURN_IF_ERROR(settings.print.Apply(print));
  }
  TANDEM_ASSIGN_OR_RETURN(settings.folder, MakeRunFolder(options.output));
  return settings;
}

std::vector<std::string> OwnCommandLine() {
  std::vector<std::string> words =
      absl::StrSplit(ReadTextFile("/proc/self/cmdline"), '\0', absl::SkipEmpty());
  return words;
}

// Begins the run: from now on it has a folder.
absl::Status Begin(const RunOptions& options, PreparedRun& run) {
  TANDEM_ASSIGN_OR_RETURN(run.settings, MakeSettings(options));
  run.info.started = UtcText(absl::Now());
  run.info.command = OwnCommandLine();
  run.info.host = HostInfo();
  run.info.jobs = static_cast<int64_t>(run.settings.jobs);
  run.info.seed = options.seed;
  return WriteRunInfo(run.settings.folder, run.info);
}

// Whether what was written of so many results is still there.
absl::Status CheckFolder(const std::string& folder, size_t results) {
  std::string info = folder + "/run.json";
  if (access(info.c_str(), F_OK) != 0) {
    return MakeError(absl::StatusCode::kDataLoss, "{} was removed while the run went on", info);
  }
  TANDEM_ASSIGN_OR_RETURN(RunRecord written, ReadRun(folder));
  if (written.records.size() == results) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, "of {} results {} are in {}", results,
                   written.records.size(), folder);
}

// Runs them and writes down what came of it.
RunEnd RunAndRecord(PreparedRun& run, Terminal& terminal) {
  std::string warning;
  PastTimes times = PastTimes::Load(warning);
  if (!warning.empty()) Warn(warning);
  times.Estimate(run.tests);
  Recording recording;
  InterruptSignals signals(recording);
  if (!signals.status().ok()) Warn(Message(signals.status()));
  RunEnd end = RunTests(run.tests, run.settings, signals, recording, terminal);
  for (const TestRecord& record : end.records) times.Add(record);
  if (absl::Status saved = times.Save(); !saved.ok()) Warn(Message(saved));
  run.info.finished = UtcText(absl::Now());
  if (end.signal != 0) run.info.interrupted = SignalName(end.signal);
  end.lost.Update(CheckFolder(run.settings.folder, end.records.size()));
  end.lost.Update(WriteRunInfo(run.settings.folder, run.info));
  return end;
}

// As others will read it, though what is written may be less.
absl::StatusOr<RunRecord> RecordOf(const PreparedRun& run, const RunEnd& end) {
  RunRecord record{.folder = run.settings.folder, .info = run.info};
  for (const TestRecord& test : end.records) {
    TANDEM_ASSIGN_OR_RETURN(record.records.emplace_back(), TestRecordFrom(ToJson(test)));
  }
  return record;
}

// Complains of what is missing in the run's folder; returns `code`, or one that is no success.
int TellOfLoss(const RunRecord& run, const absl::Status& lost, const absl::Status& rendered,
               int code) {
  if (lost.ok() && rendered.ok()) return code;
  int bad = code == kExitGood ? kExitBad : code;
  if (lost.ok()) {
    return Refuse(MakeError(rendered.code(), "{}: make room, then: tandem report {}",
                            Message(rendered), run.folder),
                  bad);
  }
  return Refuse(MakeError(lost.code(),
                          "results were lost: {}: see that {} stays and has room, or name another "
                          "folder with --output, and run again",
                          Message(lost), run.folder),
                bad);
}

int Tell(const RunOptions& options, const RunRecord& run, const RunEnd& end,
         const absl::Status& rendered, Terminal& terminal) {
  RunSummary summary = SummarizeRun(run, options.retries > 0);
  if (options.repeat != 1) terminal.Print(DescribeFailures(run.records));
  if (!options.matrix.empty()) {
    terminal.Print(RenderMatrix(MakeMatrixTable(run.records, MatrixNames(run))));
  }
  std::string report = run.folder + "/report.html";
  bool has_report = access(report.c_str(), F_OK) == 0;  // it is there whole, or not at all
  terminal.Print(DescribeRun(run, summary, terminal) + (has_report ? "report: " + report : ""));
  int code = ExitCodeOf(summary, options.rules, end.signal);
  return TellOfLoss(run, end.lost, rendered, code);
}

int RunPlan(const RunOptions& options, std::vector<PlannedTest> tests, RunInfo info) {
  PreparedRun run{.tests = std::move(tests), .info = std::move(info)};
  std::optional<RunRecord> baseline;
  if (!options.baseline.empty()) {
    auto runs = ReadRuns({options.baseline});
    if (!runs.ok()) return Refuse(runs.status(), RefusalCode(options));
    baseline = std::move(runs->front());
  }
  absl::Status begun = Begin(options, run);
  if (!begun.ok()) return Refuse(begun, RefusalCode(options));
  Terminal terminal(stdout);
  RunEnd end = RunAndRecord(run, terminal);
  auto record = RecordOf(run, end);
  if (!record.ok()) return Refuse(record.status(), kExitBad);
  absl::Status rendered = WriteRenderings(*record, baseline ? &*baseline : nullptr);
  return Tell(options, *record, end, rendered, terminal);
}

}  // namespace

int RunCommand(const RunOptions& options) {
  SetEnvironment(options);
  PreparedRun run;
  absl::Status prepared = Prepare(options, run);
  if (!prepared.ok()) return Refuse(prepared, RefusalCode(options));
  if (options.list) {
    for (const PlannedTest& test : run.tests) std::puts(test.id.c_str());
    return kExitGood;
  }
  if (NeedsQemu(options, run.tests)) {
    auto versions = AskQemu(options);
    if (!versions.ok()) {
      return Refuse(versions.status(), options.rules.bisect ? kBisectSkip : kExitRefused);
    }
    run.info.qemu = *versions;
  }
  return RunPlan(options, std::move(run.tests), std::move(run.info));
}

}  // namespace tandem
