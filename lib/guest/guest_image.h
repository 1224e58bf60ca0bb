// SPDX-License-Identifier: Apache-2.0
// Tandem's guests: where their images lie and how a machine is told to boot one.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "lib/qemu/machine_options.h"
#include "tandem/guest_abi.h"

namespace tandem {

// The two flavours of an image; see docs/guest.md.
enum class GuestBoot {
  kRom,   // flat ROM in place of the firmware: fastest; PCI and ACPI are not set up
  kDisk,  // disk image booted by the firmware (SeaBIOS): for what needs firmware or a disk
};

// What the guest does; defaults are those of TandemGuestDefaultOptions.
struct GuestOptions {
  GuestBoot boot = GuestBoot::kRom;
  TandemGuestOptions workload = TandemGuestDefaultOptions();
};

// The path of the image for a target ("x86_64"). Looked for in TANDEM_GUEST_IMAGES, in the build
// tree and in the install tree. NotFound names target and places.
absl::StatusOr<std::string> FindGuestImage(const std::string& target, GuestBoot boot);

// Adds what boots the guest with these options to a machine's arguments. Source and destination
// need the same. Errors: InvalidArgument for options that make no sense; those of FindGuestImage.
// The disk is opened with snapshot=on, so that neither writes the shared image.
absl::Status AddGuest(const std::string& target, const GuestOptions& guest,
                      MachineOptions& machine);

}  // namespace tandem
