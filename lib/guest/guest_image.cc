// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/guest_image.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "lib/base/environment.h"
#include "lib/base/status.h"

namespace tandem {

namespace {

namespace fs = std::filesystem;

std::string& HandedOverFolder() {
  static auto* folder = new std::string;
  return *folder;
}

// Where images may lie, best first.
std::vector<fs::path> ImageFolders() {
  if (auto given = EnvironmentValue("TANDEM_GUEST_IMAGES")) return {*given};
  std::vector<fs::path> folders;
  if (!HandedOverFolder().empty()) folders.emplace_back(HandedOverFolder());
  std::error_code error;
  fs::path above = fs::read_symlink("/proc/self/exe", error);
  while (above.has_relative_path()) {
    above = above.parent_path();
    folders.push_back(above / "share/tandem/guests");
  }
  return folders;
}

}  // namespace

bool UseGuestFolder(const std::string& folder) {
  HandedOverFolder() = folder;
  return true;
}

absl::StatusOr<std::string> FindGuestImage(const std::string& target, GuestBoot boot) {
  std::string name =
      fmt::format("tandem-guest-{}.{}", target, boot == GuestBoot::kRom ? "rom" : "img");
  std::string places;
  for (const fs::path& folder : ImageFolders()) {
    std::error_code error;
    if (fs::exists(folder / name, error)) return (folder / name).string();
    places += (places.empty() ? "" : ", ") + folder.string();
  }
  return MakeError(absl::StatusCode::kNotFound,
                   "there is no guest image for {} ({} not in {}): build it, or set "
                   "TANDEM_GUEST_IMAGES to the folder that holds it",
                   target, name, places);
}

absl::Status AddGuest(const std::string& target, const GuestOptions& guest,
                      MachineOptions& machine) {
  if (const char* problem = TandemGuestOptionsProblem(&guest.workload)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "guest options: {} make no sense",
                     problem);
  }
  if (guest.boot == GuestBoot::kDisk && guest.workload.flags & TANDEM_GUEST_FLAG_SUSPEND) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "a guest that suspends the machine must boot from the ROM: a firmware would "
                     "take its waking for a reset");
  }
  TANDEM_ASSIGN_OR_RETURN(std::string image, FindGuestImage(target, guest.boot));
  auto add = [&machine](std::string name, std::string value) {
    machine.arguments.push_back(std::move(name));
    machine.arguments.push_back(std::move(value));
  };
  if (guest.boot == GuestBoot::kRom) {
    add("-bios", image);
  } else {
    add("-drive", fmt::format("if=ide,format=raw,snapshot=on,file={}", EscapeOption(image)));
  }
  machine.vcpus = std::max(machine.vcpus, int(TandemGuestSweepers(&guest.workload)));
  uint64_t words[2];
  TandemGuestPackOptions(&guest.workload, words);
  for (int i = 0; i < 2; ++i) {
    add("-device", fmt::format("loader,addr={:#x},data={:#x},data-len=8",
                               TANDEM_GUEST_OPTIONS_OFFSET + 8 * i, words[i]));
  }
  return absl::OkStatus();
}

}  // namespace tandem
