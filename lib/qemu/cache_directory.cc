// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/cache_directory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/base/environment.h"

namespace tandem {

std::string CacheDirectory() {
  if (auto cache = EnvironmentValue("TANDEM_CACHE")) return *cache;
  auto home = EnvironmentValue("HOME");
  return home ? *home + "/.cache/tandem" : "";
}

bool WriteCacheFile(const std::string& path, const std::string& contents) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::string temporary = path + "." + std::to_string(getpid());
  std::ofstream file(temporary, std::ios::binary);
  file << contents;
  file.close();
  if (file) std::filesystem::rename(temporary, path, error);
  if (file && !error) return true;
  std::filesystem::remove(temporary, error);
  return false;
}

std::string ReadCacheFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace tandem
