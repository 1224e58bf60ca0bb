// SPDX-License-Identifier: Apache-2.0
// The recording as a person reads it: one line per thing that happened, over all machines.
#pragma once

#include <string>
#include <vector>

#include "lib/base/recording.h"

namespace tandem {

// One line. A value.
struct TimelineLine {
  double time_ms = 0;  // since the start of the recording
  std::string origin;
  std::string text;  // may hold several lines
};

// What an entry of the recording says in short; "" for an answer without error.
//   > migrate {"uri":"tcp:[::1]:4444"}     a command ("> oob yank …": out of band)
//   < error GenericError: …               an answer that refused it
//   * MIGRATION {"status":"active"}       an event, without QEMU's own time
//   ! …                                   a line of standard error
std::string DescribeEntry(const RecordingEntry& entry);

// All entries but good answers. What a console prints is one line, at the time of its first
// character, until the guest ends the line or anything but other consoles' output happens on any
// machine.
std::vector<TimelineLine> MakeTimeline(const Recording& recording);

// The timeline as a table: time in ms, role, what; long lines are cut.
std::string RenderTimeline(const std::vector<TimelineLine>& timeline);

}  // namespace tandem
