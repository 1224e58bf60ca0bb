// SPDX-License-Identifier: Apache-2.0
#include "lib/report/known_defect.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "lib/base/status.h"
#include "lib/qmp/json.h"

namespace tandem {
namespace {

constexpr double kLongestPatienceSeconds = 3600;

std::vector<int> Numbers(const std::string& version) {
  std::vector<int> numbers;
  std::istringstream parts(version);
  for (std::string part; std::getline(parts, part, '.');)
    numbers.push_back(std::atoi(part.c_str()));
  return numbers;
}

// Below 0, 0 or above 0, by as many numbers as `bound` has.
int CompareToBound(const std::string& version, const std::string& bound) {
  std::vector<int> left = Numbers(version), right = Numbers(bound);
  left.resize(right.size(), 0);
  return left < right ? -1 : left > right ? 1 : 0;
}

bool IsVersion(const std::string& text) {
  static const auto* pattern = new std::regex(R"(\d{1,4}(\.\d{1,4}){0,2})");
  return std::regex_match(text, *pattern);
}

bool IsId(const std::string& text) {
  static const auto* pattern = new std::regex(R"([A-Za-z0-9][A-Za-z0-9._-]*)");
  return std::regex_match(text, *pattern);
}

std::optional<KnownDefect::Side> SideNamed(const std::string& name) {
  if (name == "source") return KnownDefect::Side::kSource;
  if (name == "destination") return KnownDefect::Side::kDestination;
  if (name == "either") return KnownDefect::Side::kEither;
  if (name == "both") return KnownDefect::Side::kBoth;
  return std::nullopt;
}

// Reads the members of one entry; remembers the first that is wrong.
class EntryReader {
 public:
  EntryReader(const Json& entry, std::string where) : entry_(entry), where_(std::move(where)) {}

  absl::StatusOr<KnownDefect> Read() {
    if (!entry_.is_object()) return Wrong("the entry", "must be an object");
    KnownDefect defect;
    defect.id = Text("id", true);
    if (!IsId(defect.id)) Refuse("id", "must be of letters, digits, '-', '.' and '_'");
    where_ += " \"" + defect.id + "\"";
    defect.tests = Texts("tests", true);
    defect.symptoms = Texts("symptoms", true);
    defect.meaning = Text("meaning", true);
    defect.reference = Text("reference", true);
    defect.accelerators = Texts("accelerators", false);
    defect.error_lines = Texts("error_lines", false);
    ReadSide(defect);
    ReadVersions(defect);
    ReadPatience(defect);
    ReadRare(defect);
    CompileSymptoms(defect);
    RefuseUnknownMembers();
    if (!error_.ok()) return error_;
    return defect;
  }

 private:
  absl::Status Wrong(const std::string& member, const std::string& expectation) const {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}: {} {}; see docs/known-defects.md for the members of an entry", where_,
                     member, expectation);
  }
  void Refuse(const std::string& member, const std::string& expectation) {
    if (error_.ok()) error_ = Wrong("\"" + member + "\"", expectation);
  }

  std::string Text(const std::string& member, bool required) {
    known_.insert(member);
    if (!required && !entry_.Has(member)) return "";
    std::string text = entry_[member].Text();
    if (text.empty()) Refuse(member, "must be a text that is not empty");
    return text;
  }

  std::vector<std::string> Texts(const std::string& member, bool required) {
    known_.insert(member);
    if (!required && !entry_.Has(member)) return {};
    std::vector<std::string> texts;
    for (const Json& element : entry_[member].elements()) texts.push_back(element.Text());
    bool has_empty = std::find(texts.begin(), texts.end(), "") != texts.end();
    if (texts.empty() || has_empty) Refuse(member, "must be an array of texts, not empty");
    return texts;
  }

  void ReadSide(KnownDefect& defect) {
    std::string name = Text("side", false);
    if (name.empty()) return;
    std::optional<KnownDefect::Side> side = SideNamed(name);
    if (!side) return Refuse("side", "must be source, destination, either or both");
    defect.side = *side;
  }

  void ReadVersions(KnownDefect& defect) {
    ReadRange("", defect.from, defect.to);
    ReadRange("peer_", defect.peer_from, defect.peer_to);
    bool has_peer = !defect.peer_from.empty() || !defect.peer_to.empty();
    bool is_of_one =
        defect.side == KnownDefect::Side::kSource || defect.side == KnownDefect::Side::kDestination;
    if (has_peer && !is_of_one) {
      Refuse("side", "must be source or destination, where there is a version of its peer");
    }
  }

  void ReadRange(const std::string& prefix, std::string& from, std::string& to) {
    std::string first = prefix + "from", last = prefix + "to";
    from = Text(first, false);
    to = Text(last, false);
    for (const auto& [member, value] : {std::pair(first, from), {last, to}}) {
      if (!value.empty() && !IsVersion(value)) Refuse(member, "must be a version such as 10.0.13");
    }
    if (!to.empty() && !IsVersionWithin(from, "", to)) {
      Refuse(last, "must not be below \"" + first + "\"");
    }
  }

  void ReadPatience(KnownDefect& defect) {
    known_.insert("patience_seconds");
    if (!entry_.Has("patience_seconds")) return;
    std::optional<double> seconds = entry_["patience_seconds"].Number();
    if (!seconds || *seconds <= 0 || *seconds > kLongestPatienceSeconds) {
      return Refuse("patience_seconds", "must be a number of seconds above 0");
    }
    defect.patience = absl::Seconds(*seconds);
  }

  void ReadRare(KnownDefect& defect) {
    known_.insert("rare");
    if (!entry_.Has("rare")) return;
    std::optional<bool> rare = entry_["rare"].Boolean();
    if (!rare) return Refuse("rare", "must be true or false");
    defect.rare = *rare;
  }

  void CompileSymptoms(KnownDefect& defect) {
    for (const std::string& symptom : defect.symptoms) {
      try {  // the standard library has no other way to say so
        defect.compiled_symptoms.emplace_back(symptom);
      } catch (const std::regex_error& error) {
        Refuse("symptoms", fmt::format("has \"{}\", which is no regular expression: {}", symptom,
                                       error.what()));
      }
    }
  }

  void RefuseUnknownMembers() {
    std::set<std::string> seen;  // a merge may make one entry of two
    for (const auto& [member, value] : entry_.members()) {
      if (!known_.contains(member)) Refuse(member, "is not known");
      if (!seen.insert(member).second) Refuse(member, "is there twice");
    }
  }

  const Json& entry_;
  std::string where_;
  std::set<std::string> known_;
  absl::Status error_;
};

}  // namespace

bool IsVersionWithin(const std::string& version, const std::string& from, const std::string& to) {
  return CompareToBound(version, from) >= 0 && CompareToBound(version, to) <= 0;
}

bool KnownDefect::AppliesTo(const DefectSubject& subject) const {
  auto matches = [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), subject.test.c_str(), 0) == 0;
  };
  if (std::none_of(tests.begin(), tests.end(), matches)) return false;
  if (!accelerators.empty() && std::find(accelerators.begin(), accelerators.end(),
                                         subject.accelerator) == accelerators.end()) {
    return false;
  }
  bool in_source = IsVersionWithin(subject.source_version, from, to);
  bool in_destination = IsVersionWithin(subject.destination_version, from, to);
  switch (side) {
    case Side::kSource:
      return in_source && IsVersionWithin(subject.destination_version, peer_from, peer_to);
    case Side::kDestination:
      return in_destination && IsVersionWithin(subject.source_version, peer_from, peer_to);
    case Side::kEither:
      return in_source || in_destination;
    case Side::kBoth:
      return in_source && in_destination;
  }
  return false;
}

bool KnownDefect::Explains(const std::string& text) const {
  return std::any_of(compiled_symptoms.begin(), compiled_symptoms.end(),
                     [&](const std::regex& symptom) { return std::regex_search(text, symptom); });
}

absl::StatusOr<std::vector<KnownDefect>> ParseKnownDefects(std::string_view text,
                                                           const std::string& origin) {
  absl::StatusOr<Json> file = Json::Parse(text);
  if (!file.ok() || !file->is_array()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "{}: not a JSON array of known defects{}; see docs/known-defects.md", origin,
                     file.ok() ? "" : " (" + Message(file.status()) + ")");
  }
  std::vector<KnownDefect> defects;
  for (size_t i = 0; i < file->size(); ++i) {
    Json entry = (*file)[i];
    TANDEM_ASSIGN_OR_RETURN(KnownDefect defect,
                            EntryReader(entry, fmt::format("{}: entry {}", origin, i + 1)).Read());
    auto same_id = [&](const KnownDefect& other) { return other.id == defect.id; };
    if (std::any_of(defects.begin(), defects.end(), same_id)) {
      return MakeError(absl::StatusCode::kInvalidArgument,
                       "{}: the id \"{}\" is there twice; give each entry its own", origin,
                       defect.id);
    }
    defects.push_back(std::move(defect));
  }
  return defects;
}

}  // namespace tandem
