// SPDX-License-Identifier: Apache-2.0
// Which accelerator can be used here.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/qemu/binary_facts.h"
#include "lib/qemu/qemu_binary.h"

namespace tandem {

// TANDEM_ACCEL when set, else "kvm" when a guest finished its first sweep under it in time, else
// "tcg". An open /dev/kvm proves nothing, and neither does a first byte: nested in some virtual
// machines a guest says 'A' after 70 ms and then does not write 100 MiB in 20 s. The trial's answer
// is kept in the process and, until the host boots again, in the cache directory.
// InvalidArgument when TANDEM_ACCEL is neither. Call from the main thread.
absl::StatusOr<std::string> UsableAccelerator(const QemuBinary& binary, const BinaryFacts& facts);

}  // namespace tandem
