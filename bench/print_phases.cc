// SPDX-License-Identifier: Apache-2.0
// print_phases --slowest COUNT RESULTS: lists the tests in RESULTS that took longest, by phase.
// print_phases RESULTS RUNS JSON LOAD: prints where the time of the tests in RESULTS, a
// results.jsonl of this machine, goes, and writes each figure to the file JSON. Each test must have
// passed in RUNS runs at least. LOAD is the load average before them. ./dev bench calls it.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "absl/time/clock.h"
#include "bench/phase_table.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

absl::StatusOr<std::string> ReadLines(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return MakeError(absl::StatusCode::kNotFound, "{}: it cannot be read", path);
  std::ostringstream lines;
  lines << in.rdbuf();  // of a folder it is nothing, where an iterator would throw
  return lines.str();
}

absl::Status PrintSlowest(const std::string& results, size_t count) {
  TANDEM_ASSIGN_OR_RETURN(std::string lines, ReadLines(results));
  absl::StatusOr<std::vector<TestRuns>> tests = ReadPassedRuns(lines);
  if (!tests.ok()) return WithContext(tests.status(), results);
  std::fputs(FormatSlowest(*std::move(tests), count).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status PrintPhases(const std::string& results, size_t runs, const std::string& json,
                         const std::string& load) {
  TANDEM_ASSIGN_OR_RETURN(std::string lines, ReadLines(results));
  const absl::StatusOr<std::vector<TestRuns>> tests = ReadRuns(lines, runs);
  if (!tests.ok()) return WithContext(tests.status(), results);

  const auto cpus = static_cast<int64_t>(std::thread::hardware_concurrency());
  const Json figures = Json::Object({{"schema", 1},
                                     {"date", absl::FormatTime(absl::Now(), absl::UTCTimeZone())},
                                     {"cpus", cpus},
                                     {"load_average_before", load},
                                     {"tests", RunsToJson(*tests)}});
  std::ofstream out(json, std::ios::binary);
  out << figures.Pretty() << "\n";
  if (!out.flush()) return MakeError(absl::StatusCode::kUnknown, "{}: it cannot be written", json);
  std::printf("%d CPUs; load average before: %s\n\n%s", static_cast<int>(cpus), load.c_str(),
              FormatPhaseTable(*tests).c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  const bool slowest = argc == 4 && argv[1] == std::string_view("--slowest");
  size_t count = 0;  // of tests, or of runs
  const std::string_view number = slowest || argc == 5 ? argv[2] : "";
  const auto parsed = std::from_chars(number.begin(), number.end(), count);
  if (parsed.ec != std::errc() || parsed.ptr != number.end() || count == 0) {
    std::fprintf(stderr,
                 "usage: print_phases RESULTS RUNS JSON LOAD\n"
                 "       print_phases --slowest COUNT RESULTS\n./dev bench calls it\n");
    return 2;
  }
  const absl::Status status = slowest ? tandem::PrintSlowest(argv[3], count)
                                      : tandem::PrintPhases(argv[1], count, argv[3], argv[4]);
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "print_phases: %s\n", tandem::Message(status).c_str());
  return EXIT_FAILURE;
}
