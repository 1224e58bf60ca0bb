// SPDX-License-Identifier: Apache-2.0
// The functions of a replay script: bash that starts QEMU and speaks QMP to it.
#pragma once

#include <string_view>

namespace tandem {

// Needs bash 4.4 and coreutils. Expects the variable `timeout` (seconds per wait); offers
//   start ROLE VARIABLE BINARY… -- ARGUMENT…   the machine; VARIABLE may name another binary
//   send ROLE COMMAND                          a QMP command, as it stands
//   answered ROLE ID return|error              waits for the answer ("greeting" is the first ID)
//   happened ROLE EVENT COUNT                  waits until the event has come so many times
//   printed ROLE                               waits for the first byte on the serial console
//   ended ROLE                                 waits for the end of the process
//   port_from VARIABLE ROLE ID                 takes the port of "socket-address" in an answer
//   signal ROLE NAME                           sends KILL, STOP or CONT
//   pause SECONDS
//   cannot_replay REASON                       says so and stops
extern const std::string_view kReplayRuntime;

}  // namespace tandem
