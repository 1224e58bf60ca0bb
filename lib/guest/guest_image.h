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

// The path of the image for a target ("x86_64"). Looked for in TANDEM_GUEST_IMAGES only, if that is
// set; else in the folder of UseGuestFolder and in share/tandem/guests of the folders above the
// program: so do programs find it in Tandem's build tree and installed. NotFound names target and
// places.
absl::StatusOr<std::string> FindGuestImage(const std::string& target, GuestBoot boot);

// Says where the images lie for a program that lies elsewhere. True, so that an initializer can
// call it.
bool UseGuestFolder(const std::string& folder);

#ifdef TANDEM_GUEST_FOLDER
// The CMake target tandem::guest hands the package's folder over to what is built against it.
inline const bool kGuestFolderIsUsed = UseGuestFolder(TANDEM_GUEST_FOLDER);
#endif

// Adds what boots the guest with these options to a machine's arguments, and as many vCPUs as shall
// sweep. Source and destination need the same. Errors: InvalidArgument for options that make no
// sense; those of FindGuestImage. The disk is opened with snapshot=on, so that neither writes the
// shared image.
absl::Status AddGuest(const std::string& target, const GuestOptions& guest,
                      MachineOptions& machine);

}  // namespace tandem
