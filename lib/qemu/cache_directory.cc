// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/cache_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "lib/base/environment.h"
#include "lib/base/log.h"
#include "lib/base/unique_fd.h"

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
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // not to wait for a FIFO
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  bool is_trusted = status.st_uid == geteuid() || status.st_uid == 0;
  if (!is_trusted || (status.st_mode & S_IWOTH) != 0) {
    Log().info("{} is not used: others may have written it", path);
    return "";
  }
  std::string contents;
  char buffer[1 << 16];
  ssize_t size = 0;
  while ((size = TEMP_FAILURE_RETRY(read(file.get(), buffer, sizeof buffer))) > 0) {
    contents.append(buffer, static_cast<size_t>(size));
  }
  return contents;
}

}  // namespace tandem
