// SPDX-License-Identifier: Apache-2.0
#include "lib/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "lib/base/environment.h"

namespace tandem {

spdlog::logger& Log() {
  static spdlog::logger* logger = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto* made = new spdlog::logger("tandem", std::move(sink));
    made->set_pattern("[%H:%M:%S.%f] %^%l%$ %v");
    std::string name = EnvironmentValue("TANDEM_LOG").value_or("warning");
    spdlog::level::level_enum level = spdlog::level::from_str(name);
    if (level == spdlog::level::off &&
        name != "off") {  // what spdlog makes of a name it does not know
      std::fprintf(stderr,
                   "tandem: TANDEM_LOG=%s is no level: use trace, debug, info, warn, err or off\n",
                   name.c_str());
      std::_Exit(2);
    }
    made->set_level(level);
    return made;
  }();
  return *logger;
}

}  // namespace tandem
