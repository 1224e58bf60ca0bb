// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/guest_image.h"

#include <filesystem>

#include "lib/base/environment.h"
#include "lib/base/status.h"

namespace tandem {

absl::StatusOr<std::string> FindGuestImage(const std::string& target, GuestBoot boot) {
  std::string name =
      fmt::format("tandem-guest-{}.{}", target, boot == GuestBoot::kRom ? "rom" : "img");
  std::vector<std::string> directories = {TANDEM_BUILT_GUESTS, TANDEM_INSTALLED_GUESTS};
  if (auto given = EnvironmentValue("TANDEM_GUEST_IMAGES")) directories = {*given};
  for (const std::string& directory : directories) {
    std::string path = directory + "/" + name;
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
  }
  return MakeError(absl::StatusCode::kNotFound,
                   "there is no guest image for {} ({} not in {}): build it, or set "
                   "TANDEM_GUEST_IMAGES to the folder that holds it",
                   target, name, fmt::join(directories, ", "));
}

absl::Status AddGuest(const std::string& target, const GuestOptions& guest,
                      MachineOptions& machine) {
  if (const char* problem = TandemGuestOptionsProblem(&guest.workload)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "guest options: {} make no sense",
                     problem);
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
  uint64_t words[2];
  TandemGuestPackOptions(&guest.workload, words);
  for (int i = 0; i < 2; ++i) {
    add("-device", fmt::format("loader,addr={:#x},data={:#x},data-len=8",
                               TANDEM_GUEST_OPTIONS_OFFSET + 8 * i, words[i]));
  }
  return absl::OkStatus();
}

}  // namespace tandem
