// SPDX-License-Identifier: Apache-2.0
// A recorded command line as the step of a replay script that starts the machine anew.
#pragma once

#include <string>
#include <vector>

#include "lib/report/shell_template.h"

namespace tandem {

// "QEMU_SECONDARY" for "secondary": the variable that names another binary for the replay.
std::string BinaryVariable(const std::string& role);

// The folder of the machine's QMP socket, which is the run's temporary folder; "" when there is
// none.
std::string SocketFolder(const std::vector<std::string>& command_line);

// Why a machine cannot be started from its command line alone; "" when it can.
std::string WhyNotStartable(const std::vector<std::string>& command_line);

// Whether the machine waits for a migration instead of booting.
bool IsIncoming(const std::vector<std::string>& command_line);

// The call of `start` (replay_runtime.h): QMP on stdio and the consoles in files instead of
// sockets.
std::string StartStep(const std::string& role, const std::vector<std::string>& command_line,
                      const ShellTemplate& text);

}  // namespace tandem
