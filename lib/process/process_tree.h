// SPDX-License-Identifier: Apache-2.0
// Finds and ends whole families of processes, grandchildren in sessions of their own included.
//
// Each process that Tandem spawns carries the environment variable TANDEM_PROCESS_TAG, which its
// descendants inherit: the owner's own tag, if it has one, then "<owner pid>-<owner start
// time>-<number>.". A family is the processes of this user whose tag begins with a given prefix,
// read from /proc/PID/environ; so those that a test spawned belong to whoever spawned the test.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/deadline.h"

namespace tandem {

// The environment variable that holds the tag.
inline constexpr std::string_view kProcessTagVariable = "TANDEM_PROCESS_TAG";

// Pids of all processes. An error when /proc does not show them.
absl::StatusOr<std::vector<pid_t>> AllPids();

// The threads of a process whose name (comm) begins with `prefix`, in the order of their ids. None
// when the process is gone.
std::vector<pid_t> ThreadsNamed(pid_t pid, const std::string& prefix);

// Blocks until the process has ended or the time is over; an event, not a poll of its state.
void AwaitEnd(int pidfd, const Deadline& deadline);

// Our own tag and "<pid>-<start time in clock ticks>-": unique over reuse of pids. Prefix of all
// tags of our children.
std::string OwnerTagPrefix();

// Pids of living (not zombie) processes whose tag begins with `tag_prefix`, this process excepted.
// Nor guardians, which end by themselves (lib/process/guardian.h).
// An error when /proc does not show the processes or cannot be read (no descriptor, no memory).
absl::StatusOr<std::vector<pid_t>> FindTagged(std::string_view tag_prefix);

// SIGKILLs them all and returns once none is left; DeadlineExceeded names those that remain.
absl::Status KillTagged(std::string_view tag_prefix, const Deadline& deadline);

// SIGKILLs what outlived its owner: where the owner was killed together with its guardian. Not what
// has an owner of whom nothing can be read, or was started in another PID namespace, where the
// owner's pid means another process.
absl::Status KillOrphans(const Deadline& deadline);

}  // namespace tandem
