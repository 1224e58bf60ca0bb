// SPDX-License-Identifier: Apache-2.0
#include "lib/process/symbol_address.h"

#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "lib/base/status.h"

namespace tandem {
namespace {

// Reads `count` objects at `offset`; empty when the file has not that many.
template <typename T>
std::vector<T> ReadObjects(std::ifstream& file, uint64_t offset, uint64_t count) {
  std::vector<T> objects(count);
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(objects.data()),
            static_cast<std::streamsize>(count * sizeof(T)));
  if (!file) objects.clear();
  return objects;
}

// The value of the symbol in one table, or nothing.
std::optional<uint64_t> FindIn(std::ifstream& file, const Elf64_Shdr& table,
                               const Elf64_Shdr& strings, const std::string& function) {
  auto names = ReadObjects<char>(file, strings.sh_offset, strings.sh_size);
  for (const Elf64_Sym& symbol :
       ReadObjects<Elf64_Sym>(file, table.sh_offset, table.sh_size / sizeof(Elf64_Sym))) {
    bool is_function = ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF;
    if (!is_function || symbol.st_name + function.size() >= names.size()) continue;
    // With its final zero.
    if (std::memcmp(&names[symbol.st_name], function.c_str(), function.size() + 1) == 0) {
      return symbol.st_value;
    }
  }
  return std::nullopt;
}

// Where the first page of the file lies in the process, from /proc/PID/maps; 0 when nowhere.
uint64_t LoadAddress(pid_t pid, const std::string& path) {
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with(" " + path)) continue;
    uint64_t start = 0;
    std::istringstream(line) >> std::hex >> start;
    return start;
  }
  return 0;
}

}  // namespace

absl::StatusOr<uint64_t> FunctionAddress(pid_t pid, const std::string& function) {
  std::error_code error;
  std::string path = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error);
  std::ifstream file(path, std::ios::binary);
  auto header = ReadObjects<Elf64_Ehdr>(file, 0, 1);
  if (header.empty() || std::memcmp(header[0].e_ident, ELFMAG, SELFMAG) != 0 ||
      header[0].e_ident[EI_CLASS] != ELFCLASS64) {
    return MakeError(absl::StatusCode::kInternal, "{} of process {} is no 64-bit ELF file", path,
                     pid);
  }
  uint64_t base = header[0].e_type == ET_DYN ? LoadAddress(pid, path) : 0;
  if (header[0].e_type == ET_DYN && base == 0) {
    return MakeError(absl::StatusCode::kInternal, "process {} has not mapped {}", pid, path);
  }
  auto sections = ReadObjects<Elf64_Shdr>(file, header[0].e_shoff, header[0].e_shnum);
  for (const Elf64_Shdr& section : sections) {
    bool is_table = section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM;
    if (!is_table || section.sh_link >= sections.size()) continue;
    std::optional<uint64_t> value = FindIn(file, section, sections[section.sh_link], function);
    if (value) return base + *value;
  }
  return MakeError(absl::StatusCode::kNotFound, "{} tells no function {}", path, function);
}

}  // namespace tandem
