// SPDX-License-Identifier: Apache-2.0
#include "lib/process/cpu_time.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace tandem {

absl::Duration CpuTimeOf(pid_t pid) {
  // Fields from 14 on, utime and stime; the second one, the name, may hold blanks and parentheses.
  constexpr size_t kUserTime = 14 - 3, kSystemTime = 15 - 3;
  std::string line;
  std::getline(std::ifstream(fmt::format("/proc/{}/stat", pid)), line);
  size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return absl::ZeroDuration();
  std::istringstream rest(line.substr(name_end + 1));
  std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  if (fields.size() <= kSystemTime) return absl::ZeroDuration();
  int64_t ticks = std::stoll(fields[kUserTime]) + std::stoll(fields[kSystemTime]);
  return absl::Seconds(ticks) / sysconf(_SC_CLK_TCK);
}

}  // namespace tandem
