// SPDX-License-Identifier: Apache-2.0
#include "lib/report/results.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

constexpr mode_t kFileMode = 0644;

constexpr std::pair<TestStatus, std::string_view> kStatusNames[] = {
    {TestStatus::kPassed, "PASSED"},   {TestStatus::kFailed, "FAILED"},
    {TestStatus::kSkipped, "SKIPPED"}, {TestStatus::kKnownDefect, "KNOWN_DEFECT"},
    {TestStatus::kCrashed, "CRASHED"}, {TestStatus::kTimedOut, "TIMED_OUT"},
    {TestStatus::kNotRun, "NOT_RUN"}};

// JSON (RFC 8259) has no infinity and no NaN.
bool AllFinite(const Json& value) {
  auto finite = [](const Json& part) { return AllFinite(part); };
  auto member_finite = [](const auto& member) { return AllFinite(member.second); };
  std::vector<Json> elements = value.elements();
  auto members = value.members();
  return std::isfinite(value.Number().value_or(0)) &&
         std::all_of(elements.begin(), elements.end(), finite) &&
         std::all_of(members.begin(), members.end(), member_finite);
}

// Members that have nothing to say are left out.
class ObjectBuilder {
 public:
  void Add(const std::string& name, Json value) {
    if (AllFinite(value)) members_.emplace_back(ValidUtf8(name), std::move(value));
  }
  void AddText(const std::string& name, const std::string& text) {
    if (!text.empty()) Add(name, ValidUtf8(text));
  }
  template <typename Map>
  void AddMap(const std::string& name, const Map& map) {
    ObjectBuilder inner;
    for (const auto& [key, value] : map) inner.Add(key, value);
    if (!inner.members_.empty()) Add(name, inner.Build());
  }
  Json Build() const { return Json::Object({members_.begin(), members_.end()}); }

 private:
  std::vector<std::pair<std::string, Json>> members_;
};

// Locks the whole file against other writers until the descriptor is closed.
absl::Status Lock(int fd, const std::string& path) {
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoError(errno, "cannot lock " + path);
  }
  return absl::OkStatus();
}

bool EndsInMidLine(int fd, off_t size) {
  char last = '\n';
  return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

absl::Status AppendLine(int fd, const std::string& path, std::string line) {
  struct stat before = {};
  if (fstat(fd, &before) != 0) return ErrnoError(errno, "cannot stat " + path);
  if (EndsInMidLine(fd, before.st_size)) line.insert(0, "\n");  // a writer was killed
  ssize_t written = write(fd, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return absl::OkStatus();
  absl::Status error = ErrnoError(written < 0 ? errno : ENOSPC, "cannot append to " + path);
  if (written > 0) (void)!ftruncate(fd, before.st_size);  // half a line helps nobody
  return error;
}

}  // namespace

std::string_view StatusName(TestStatus status) {
  for (const auto& [value, name] : kStatusNames) {
    if (value == status) return name;
  }
  return "";
}

bool IsFailed(TestStatus status) {
  return status == TestStatus::kFailed || status == TestStatus::kTimedOut ||
         status == TestStatus::kCrashed;
}

std::optional<TestStatus> ParseStatusName(std::string_view name) {
  for (const auto& [value, its_name] : kStatusNames) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

Json ToJson(const TestResult& result) {
  ObjectBuilder object;
  object.Add("schema", kResultsSchema);
  object.AddText("test", result.test);
  if (!result.scenarios.empty()) {
    object.Add("scenarios", Json::Array({result.scenarios.begin(), result.scenarios.end()}));
  }
  object.AddText("status", std::string(StatusName(result.status)));
  object.AddText("reason", result.reason);
  object.AddText("known_defect", result.known_defect);
  if (!result.known_defects_not_shown.empty()) {
    object.Add("known_defects_not_shown", Json::Array({result.known_defects_not_shown.begin(),
                                                       result.known_defects_not_shown.end()}));
  }
  object.Add("seconds", result.seconds);
  object.AddText("started", result.started);
  object.AddMap("phases", result.phases);
  object.AddMap("measurements", result.measurements);
  std::map<std::string, Json> exercised;
  for (const auto& [kind, names] : result.exercised) {
    exercised[kind] = Json::Array({names.begin(), names.end()});
  }
  object.AddMap("exercised", exercised);
  std::map<std::string, std::string> versions;
  for (const auto& [role, version] : result.versions) versions[role] = ValidUtf8(version);
  object.AddMap("versions", versions);
  object.AddText("machine_type", result.machine_type);
  object.AddText("accelerator", result.accelerator);
  object.AddText("artifacts", result.artifacts);
  object.AddText("timeline", result.timeline);
  return object.Build();
}

absl::Status AppendResult(const std::string& path, const Json& line) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) return ErrnoError(error.value(), "cannot make " + folder.string());
  UniqueFd file(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode));
  if (!file.valid()) return ErrnoError(errno, "cannot open " + path);
  TANDEM_RETURN_IF_ERROR(Lock(file.get(), path));
  return AppendLine(file.get(), path, line.Dump() + "\n");
}

}  // namespace tandem
