// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <regex>
#include <vector>

#include "lib/report/text.h"

namespace tandem {
namespace {

// What tells one failure from another stands in front; the rest is detail, such as damaged pages.
constexpr size_t kMaxLines = 6;
// libstdc++ matches by recursion, whose depth grows with the text.
constexpr size_t kMaxLineBytes = 500;

// Evidence at the end of a timeout's message, not its reason; see Recording.
constexpr std::string_view kEvidence[] = {"; last events:", "; no QMP event came"};

struct Rule {
  std::regex pattern;
  const char* replacement;
};

// Applied in this order.
const std::vector<Rule>& Rules() {
  static const auto* rules = new std::vector<Rule>{
      {std::regex("\x1b\\[[0-9;]*[A-Za-z]"), ""},  // colours
      {std::regex("[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"), "UUID"},
      {std::regex(R"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)"), "TIME"},
      {std::regex(R"re(console ends in "[^"]*")re"), "console ends in \"…\""},
      // Of damaged memory, the first finding without its places, which are chance.
      {std::regex(R"((oracle: [^;(\[]*).*)"), "$1"},
      {std::regex(R"(^(?:page 0x.*|and \d+ more pages)$)"), ""},
      // A death, whatever was awaited when it came.
      {std::regex(R"(^.*?\b(\w+ \(pid \d+\) died with ))"), "$1"},
      // A path: a temporary name by itself says nothing; otherwise the last part does.
      {std::regex(R"((^|[\s"'`(<=:,;[])(?:/var)?/(?:tmp|dev/shm|run)/[\w.@%+~-]+(?![\w.@%+~/-]))"),
       "$1TMP"},
      {std::regex(R"(/tandem-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}\b)"), "/TMP"},
      {std::regex(R"((^|[\s"'`(<=:,;[])(?:~?/|(?:\.\.?/)+)(?:[\w.@%+~-]+/)*(?=[\w.]))"), "$1"},
      {std::regex(R"((?:[\w.+-]+/)+([\w.+-]+\.(?:c|cc|cpp|h|inc|py|rs)\b))"), "$1"},
      {std::regex("0[xX][0-9A-Fa-f]+"), "0xN"},
      {std::regex(R"(\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b)"), "0xN"},
      {std::regex(R"(([A-Za-z])\1{4,})"), "$1…"},
  };
  return *rules;
}

// Numbers that say what happened, names that hold one, and numbers with what belongs to them.
const std::regex& Numbers() {
  static const auto* pattern = new std::regex(
      R"((\bexit(?:ed)? (?:with )?(?:code|status) \d+|\bsignal \d+|\b0xN\b|\bx86_64\b))"
      R"(|(\b\d+(?:\.\d+)* ?(?:ns|us|µs|ms|s|min|seconds?|minutes?)\b))"
      R"(|\b\d+(?:\.\d+)*(?: ?[KMGT]i?B\b)?|_\d+\b)");
  return *pattern;
}

std::string WithoutNumbers(const std::string& line) {
  std::string text;
  auto rest = line.cbegin();
  for (std::sregex_iterator i(line.begin(), line.end(), Numbers()), end; i != end; ++i) {
    const std::smatch& match = *i;
    text.append(rest, match[0].first);
    bool stays = match[1].matched, is_time = match[2].matched;
    text += stays ? match.str() : is_time ? "N s" : *match[0].first == '_' ? "_N" : "N";
    rest = match[0].second;
  }
  return text.append(rest, line.cend());
}

std::string NormalizedLine(std::string_view raw) {
  std::string line = Shorten(raw, kMaxLineBytes);
  for (const Rule& rule : Rules()) line = std::regex_replace(line, rule.pattern, rule.replacement);
  // "1 page", "3 pages".
  static const auto* plural = new std::regex(R"(\bN ([a-z]+[^aius\W])s\b)");
  line = std::regex_replace(WithoutNumbers(line), *plural, "N $1");
  size_t end = line.find_last_not_of(" \t\r");
  return line.substr(0, end == std::string::npos ? 0 : end + 1);
}

// Takes the evidence off a line. Whether there was some.
bool TakeEvidence(std::string_view& line) {
  for (std::string_view sign : kEvidence) {
    size_t at = line.find(sign);
    if (at == std::string_view::npos) continue;
    line = line.substr(0, at);
    return true;
  }
  return false;
}

// A known defect is one reason in whichever way it showed, and so is a process that died of an
// assertion, whatever the test was doing.
std::vector<std::string> LinesOfReason(const std::string& reason) {
  std::vector<std::string> lines = SplitLines(reason);
  if (reason.starts_with("known defect ")) return {lines.front()};
  for (const std::string& line : lines) {
    size_t death = line.find(") died with signal ");
    if (death != std::string::npos && line.find("Assertion", death) != std::string::npos) {
      return {line};
    }
  }
  return lines;
}

}  // namespace

std::string NormalizedReason(std::string_view reason) {
  std::string valid = ValidUtf8(reason);
  std::vector<std::string> normalized;
  bool within_evidence = false;
  for (const std::string& whole : LinesOfReason(valid)) {
    if (within_evidence && whole.starts_with("  ") && whole.find(" {") != whole.npos) continue;
    std::string_view line = whole;
    within_evidence = TakeEvidence(line);
    std::string text = NormalizedLine(line);
    bool again = std::find(normalized.begin(), normalized.end(), text) != normalized.end();
    if (text.empty() || again) continue;
    normalized.push_back(std::move(text));
    if (normalized.size() == kMaxLines) break;
  }
  return fmt::format("{}", fmt::join(normalized, "\n"));
}

std::string Fingerprint(std::string_view reason) {
  std::string normalized = NormalizedReason(reason);
  if (normalized.empty()) return "";
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same on every machine
  for (char c : normalized) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  constexpr int kBits = 40;
  return fmt::format("{:010x}", (hash ^ hash >> kBits) & ((uint64_t{1} << kBits) - 1));
}

}  // namespace tandem
