// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/host_info.h"

#include <sched.h>
#include <spdlog/fmt/fmt.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lib/report/text.h"

namespace tandem {
namespace {

// "max 100000", or the microseconds of CPU in that time; "" where there is no such cgroup.
double CpuQuota() {
  std::string text = ReadTextFile("/sys/fs/cgroup/cpu.max");
  char* end = nullptr;
  double quota = std::strtod(text.c_str(), &end);
  double period = std::strtod(end, nullptr);
  return quota > 0 && period > 0 ? quota / period : HUGE_VAL;
}

std::string SystemName() {
  constexpr std::string_view kName = "PRETTY_NAME=";
  for (std::string line : SplitLines(ReadTextFile("/etc/os-release"))) {
    if (!line.starts_with(kName)) continue;
    line.erase(0, kName.size());
    std::erase(line, '"');
    return line;
  }
  return "";
}

}  // namespace

int UsableCpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0
                  ? CPU_COUNT(&cpus)
                  : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  double quota = std::min(CpuQuota(), static_cast<double>(count));
  return std::max(1, static_cast<int>(std::ceil(quota - 0.01)));
}

std::map<std::string, std::string> HostInfo() {
  std::map<std::string, std::string> host;
  utsname names{};
  uname(&names);
  host["cpus"] = std::to_string(UsableCpus());
  double bytes =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  host["memory"] = fmt::format("{:.1f} GiB", bytes / (1 << 30));
  host["kernel"] = fmt::format("{} {}", names.sysname, names.release);
  host["architecture"] = names.machine;
  if (std::string system = SystemName(); !system.empty()) host["system"] = system;
  return host;
}

}  // namespace tandem
