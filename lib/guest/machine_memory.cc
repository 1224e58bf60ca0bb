// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/machine_memory.h"

#include <sys/uio.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "lib/base/log.h"
#include "lib/base/status.h"

namespace tandem {
namespace {

// Memory is translated in runs of this size at least, so that a sequential reader asks QEMU seldom.
constexpr uint64_t kRunBytes = 64 << 20;

// Of a process whose memory is gone already.
constexpr absl::Duration kDyingTime = absl::Seconds(5);

}  // namespace

absl::Status MemoryReadError(Machine& machine, int error) {
  ChildProcess& process = machine.process();
  if (error == ESRCH) {
    process.WaitForExit(Deadline::After(kDyingTime)).IgnoreError();
    if (!process.running()) return process.DeathError();
  }
  return ErrnoError(error,
                    fmt::format("reading memory of {} (pid {})", machine.role(), machine.pid()));
}

absl::StatusOr<uint64_t> MachineMemory::Translate(uint64_t gpa, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::string answer,
                          machine_.HumanMonitor(fmt::format("gpa2hva {:#x}", gpa), deadline));
  // "Host virtual address for 0x100000 (pc.ram) is 0x7f0000100000"
  size_t number = answer.rfind(" is 0x");
  uint64_t address = 0;
  if (number == std::string::npos ||
      std::from_chars(answer.data() + number + 6, answer.data() + answer.size(), address, 16).ec !=
          std::errc()) {
    return MakeError(absl::StatusCode::kOutOfRange, "{}: no RAM at {:#x}: {}", machine_.role(), gpa,
                     answer);
  }
  return address;
}

absl::StatusOr<uint64_t> MachineMemory::HostAddress(uint64_t gpa, uint64_t size,
                                                    const Deadline& deadline) {
  for (const Run& run : runs_) {
    if (gpa >= run.gpa && gpa + size <= run.gpa + run.size) return run.hva + (gpa - run.gpa);
  }
  TANDEM_ASSIGN_OR_RETURN(uint64_t first, Translate(gpa, deadline));
  for (uint64_t length : {std::max(size, kRunBytes), size}) {
    absl::StatusOr<uint64_t> last = Translate(gpa + length - 1, deadline);
    if (!last.ok() && !absl::IsOutOfRange(last.status())) return last.status();
    if (last.ok() && *last - first == length - 1) {
      runs_.push_back(Run{gpa, length, first});
      return first;
    }
  }
  return MakeError(absl::StatusCode::kOutOfRange, "{}: RAM from {:#x} to {:#x} is not contiguous",
                   machine_.role(), gpa, gpa + size);
}

absl::Status MachineMemory::Read(uint64_t gpa, std::span<std::byte> out, const Deadline& deadline) {
  if (method_ == Method::kPmemsave) return ReadByPmemsave(gpa, out, deadline);
  TANDEM_ASSIGN_OR_RETURN(uint64_t address, HostAddress(gpa, out.size(), deadline));
  iovec local{out.data(), out.size()};
  iovec remote{reinterpret_cast<void*>(address), out.size()};
  ssize_t size = process_vm_readv(machine_.pid(), &local, 1, &remote, 1, 0);
  if (size == static_cast<ssize_t>(out.size())) return absl::OkStatus();
  if (size >= 0 || errno == EPERM || errno == ENOSYS) {
    Log().info("{}: reading RAM by pmemsave, because process_vm_readv is not permitted",
               machine_.role());
    method_ = Method::kPmemsave;
    return ReadByPmemsave(gpa, out, deadline);
  }
  return MemoryReadError(machine_, errno);
}

absl::Status MachineMemory::ReadByPmemsave(uint64_t gpa, std::span<std::byte> out,
                                           const Deadline& deadline) {
  std::string path = scratch_.File(machine_.role() + ".pmem");
  TANDEM_RETURN_IF_ERROR(machine_.qmp()
                             .Execute("pmemsave",
                                      Json::Object({{"val", gpa},
                                                    {"size", static_cast<uint64_t>(out.size())},
                                                    {"filename", path}}),
                                      deadline)
                             .status());
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  bool complete = file.gcount() == static_cast<std::streamsize>(out.size());
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  if (complete) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, "{}: pmemsave wrote too little to {}",
                   machine_.role(), path);
}

absl::Status MachineMemory::Write(uint64_t gpa, std::span<const std::byte> bytes,
                                  const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(uint64_t address, HostAddress(gpa, bytes.size(), deadline));
  iovec local{const_cast<std::byte*>(bytes.data()), bytes.size()};
  iovec remote{reinterpret_cast<void*>(address), bytes.size()};
  if (process_vm_writev(machine_.pid(), &local, 1, &remote, 1, 0) ==
      static_cast<ssize_t>(bytes.size())) {
    return absl::OkStatus();
  }
  return ErrnoError(errno, "writing RAM of " + machine_.role());
}

}  // namespace tandem
