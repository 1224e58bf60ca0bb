// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/report_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "lib/report/evidence.h"
#include "lib/report/text.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFiles = 60;
constexpr int64_t kLongestTimeline = 200'000;
constexpr int64_t kLongestScript = 100'000;

// A member of the line that names a file or folder, relative to the run's folder or absolute; ""
// when it names none.
fs::path Named(const RunRecord& run, const TestRecord& record, const char* member) {
  std::string named = record.line[member].Text();
  return named.empty() ? fs::path() : fs::absolute(fs::path(run.folder) / named).lexically_normal();
}

// The folders with the test's files, none inside another.
std::vector<fs::path> FoldersOf(const RunRecord& run, const TestRecord& record) {
  std::vector<fs::path> folders;
  if (!record.output.empty()) {
    folders.push_back(fs::absolute(fs::path(run.folder) / record.output).lexically_normal());
  }
  for (fs::path folder :
       {Named(run, record, "artifacts"), Named(run, record, "timeline").parent_path()}) {
    bool known = std::any_of(folders.begin(), folders.end(), [&](const fs::path& other) {
      fs::path inside = folder.lexically_relative(other);
      return !inside.empty() && *inside.begin() != "..";
    });
    if (!folder.empty() && !known) folders.push_back(std::move(folder));
  }
  return folders;
}

// The member's file; where the run was moved or merged, the one of that name among its files.
fs::path FileNamed(const RunRecord& run, const TestRecord& record, const fs::path& named,
                   const std::string& name) {
  std::error_code error;
  if (!named.empty() && fs::is_regular_file(named, error)) return named;
  for (const ReportFile& file : FilesOf(run, record, run.folder)) {
    fs::path path = fs::path(run.folder) / file.link;
    if (path.filename() == name) return path;
  }
  return {};
}

std::string ReadSmall(const fs::path& path, int64_t most) {
  std::error_code error;
  auto size = fs::file_size(path, error);
  return error || static_cast<int64_t>(size) > most ? "" : ReadTextFile(path.string());
}

}  // namespace

std::vector<ReportFile> FilesOf(const RunRecord& run, const TestRecord& record,
                                const std::string& page_folder) {
  std::vector<ReportFile> files;
  for (const fs::path& folder : FoldersOf(run, record)) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code no_size;
      auto bytes = fs::file_size(entry->path(), no_size);
      if (no_size || !entry->is_regular_file(no_size)) continue;
      files.push_back({entry->path().lexically_relative(page_folder).generic_string(),
                       static_cast<int64_t>(bytes)});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.link < b.link; });
  if (files.size() > kMostFiles) files.resize(kMostFiles);
  return files;
}

std::string TimelineText(const RunRecord& run, const TestRecord& record) {
  fs::path path =
      FileNamed(run, record, Named(run, record, "timeline"), std::string(kTimelineFile));
  auto timeline = path.empty() ? Json() : Json::Parse(ReadSmall(path, kLongestTimeline));
  return timeline.ok() && timeline->is_object() ? timeline->Dump() : "";
}

std::string ScriptText(const RunRecord& run, const TestRecord& record) {
  fs::path folder = Named(run, record, "artifacts");
  fs::path named = folder.empty() ? fs::path() : folder / "reproduce.sh";
  fs::path path = FileNamed(run, record, named, "reproduce.sh");
  return path.empty() ? "" : ReadSmall(path, kLongestScript);
}

}  // namespace tandem
