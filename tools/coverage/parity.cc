// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/parity.h"

#include <set>
#include <sstream>

#include "lib/base/status.h"

namespace tandem {
namespace {

std::vector<std::string> Texts(const Json& array) {
  std::vector<std::string> texts;
  for (const Json& element : array.elements()) texts.push_back(element.Text());
  return texts;
}

absl::Status CheckMembers(const Json& object, const std::set<std::string>& known) {
  for (const auto& [name, value] : object.members()) {
    if (known.contains(name)) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, "unknown member {}", name);
  }
  return absl::OkStatus();
}

// "Prefix/Suite.Test/Parameter" → "Suite.Test/Parameter".
std::string WithoutPrefix(const std::string& name) {
  size_t slash = name.find('/');
  return slash < name.find('.') ? name.substr(slash + 1) : name;
}

// By which a row may name the tests.
std::set<std::string> NamesOf(const std::vector<ListedTest>& tests) {
  std::set<std::string> names;
  for (const ListedTest& test : tests) {
    std::string name = WithoutPrefix(test.name);
    names.insert(name.substr(0, name.find('/', name.find('.'))));
    names.insert(name);
  }
  return names;
}

std::string InCode(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const std::string& name : names) parts.push_back("`" + name + "`");
  return fmt::format("{}", fmt::join(parts, "<br>"));
}

}  // namespace

absl::StatusOr<Parity> Parity::Parse(std::string_view json) {
  TANDEM_ASSIGN_OR_RETURN(Json page, Json::Parse(json));
  TANDEM_RETURN_IF_ERROR(CheckMembers(page, {"text", "sections"}));
  Parity parity{.text = page["text"].Text(), .sections = {}};
  for (const Json& section : page["sections"].elements()) {
    TANDEM_RETURN_IF_ERROR(CheckMembers(section, {"title", "rows"}));
    ParitySection& added = parity.sections.emplace_back();
    added.title = section["title"].Text();
    for (const Json& row : section["rows"].elements()) {
      TANDEM_RETURN_IF_ERROR(CheckMembers(row, {"peer", "tandem", "note"}));
      added.rows.push_back({Texts(row["peer"]), Texts(row["tandem"]), row["note"].Text()});
    }
  }
  return parity;
}

std::vector<std::string> CheckParity(const Parity& parity, const std::vector<ListedTest>& tests) {
  std::vector<std::string> problems;
  std::set<std::string> names = NamesOf(tests), seen;
  for (const ParitySection& section : parity.sections) {
    for (const ParityRow& row : section.rows) {
      std::string peer = fmt::format("{}", fmt::join(row.peer, ", "));
      if (row.tests.empty() && row.note.empty()) {
        problems.push_back(peer + " has neither a test nor a reason why not");
      }
      for (const std::string& test : row.tests) {
        if (!names.contains(test)) problems.push_back(peer + ": there is no test " + test);
      }
      for (const std::string& path : row.peer) {
        if (!seen.insert(path).second) problems.push_back(path + " is in two rows");
      }
    }
  }
  return problems;
}

std::vector<std::string> CompareWithPeer(const Parity& parity, std::string_view listing) {
  std::set<std::string> known;
  for (const ParitySection& section : parity.sections) {
    for (const ParityRow& row : section.rows) known.insert(row.peer.begin(), row.peer.end());
  }
  std::vector<std::string> problems;
  std::istringstream lines{std::string(listing)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('/')) continue;
    std::string path = line.substr(line.find('/', 1));  // without the target, "/x86_64"
    if (!known.contains(path)) problems.push_back(path + " of QEMU's is in no row");
  }
  return problems;
}

std::string RenderParity(const Parity& parity) {
  std::string page = "# Parity with QEMU's own tests\n\n" + parity.text + "\n";
  for (const ParitySection& section : parity.sections) {
    page += fmt::format("\n## {}\n", section.title);
    page += "| QEMU's test | Tandem's tests | beyond that, or why not |\n|---|---|---|\n";
    for (const ParityRow& row : section.rows) {
      page += fmt::format("| {} | {} | {} |\n", InCode(row.peer),
                          row.tests.empty() ? "–" : fmt::format("{}", fmt::join(row.tests, "<br>")),
                          row.note);
    }
  }
  return page;
}

}  // namespace tandem
