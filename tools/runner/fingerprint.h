// SPDX-License-Identifier: Apache-2.0
// Failures by reason: the same text for what failed the same way, over repeats, machines and runs.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

// What was meant when `reason` was written, without what differs from one time to the next:
// numbers and times become N, hexadecimal ones 0xN, uuids UUID; of a path its last part stays;
// the events that came last are left out, as are lines that say the same again. Names, exit codes
// and signals stay. Some lines at most, to be read under a heading.
std::string NormalizedReason(std::string_view reason);

// Ten hexadecimal digits, equal for equal normalized reasons, today and in later versions of the
// runner as long as NormalizedReason() is as it is; "" for a reason of nothing.
std::string Fingerprint(std::string_view reason);

}  // namespace tandem
