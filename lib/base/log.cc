// SPDX-License-Identifier: Apache-2.0
#include "lib/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <memory>

#include "lib/base/environment.h"

namespace tandem {

spdlog::logger& Log() {
  static spdlog::logger* logger = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto* made = new spdlog::logger("tandem", std::move(sink));
    made->set_pattern("[%H:%M:%S.%f] %^%l%$ %v");
    made->set_level(spdlog::level::from_str(EnvironmentValue("TANDEM_LOG").value_or("warning")));
    return made;
  }();
  return *logger;
}

}  // namespace tandem
