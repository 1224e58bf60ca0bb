// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/accelerator.h"

#include <unistd.h>

#include <functional>
#include <map>

#include "lib/base/environment.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/guest/guest_machine.h"
#include "lib/qemu/cache_directory.h"

namespace tandem {
namespace {

constexpr absl::Duration kFirstSweepTime = absl::Seconds(3);

bool TryKvm(const QemuBinary& binary, const BinaryFacts& facts) {
  if (access("/dev/kvm", R_OK | W_OK) != 0) return false;
  absl::StatusOr<std::unique_ptr<ScratchDirectory>> scratch = ScratchDirectory::Create();
  if (!scratch.ok()) return false;
  Recording recording;
  MachineOptions options{.role = "kvm-probe", .accelerator = "kvm"};
  QemuBinary bare{.wrapper = {}, .path = binary.path};
  auto guest =
      GuestMachine::Launch(bare, facts.target, options, GuestOptions(), **scratch, recording);
  Deadline deadline = Deadline::AfterUnscaled(kFirstSweepTime);
  if (!guest.ok() || !(*guest)->machine().AwaitReady(deadline).ok()) return false;
  return (*guest)->WaitForBoot(deadline).ok();
}

std::string Trial(const QemuBinary& binary, const BinaryFacts& facts) {
  std::string key = binary.path + " " + ReadCacheFile("/proc/sys/kernel/random/boot_id");
  std::string directory = CacheDirectory();
  std::string path = directory.empty() ? ""
                                       : fmt::format("{}/probe/{:016x}.accelerator", directory,
                                                     std::hash<std::string>()(key));
  std::string known = path.empty() ? "" : ReadCacheFile(path);
  if (known == "kvm" || known == "tcg") return known;
  std::string answer = TryKvm(binary, facts) ? "kvm" : "tcg";
  Log().info("{}: accelerator {}", binary.path, answer);
  if (!path.empty()) WriteCacheFile(path, answer);
  return answer;
}

}  // namespace

absl::StatusOr<std::string> UsableAccelerator(const QemuBinary& binary, const BinaryFacts& facts) {
  if (auto given = EnvironmentValue("TANDEM_ACCEL")) {
    if (*given == "tcg" || *given == "kvm") return *given;
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "TANDEM_ACCEL={} is not tcg or kvm: correct it or unset it", *given);
  }
  static auto* answers = new std::map<std::string, std::string>();
  std::string& answer = (*answers)[binary.path];
  if (answer.empty()) answer = Trial(binary, facts);
  return answer;
}

}  // namespace tandem
