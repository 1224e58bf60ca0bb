// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/oracle_report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace tandem {
namespace {

std::string Pages(size_t count) { return count == 1 ? "1 page" : fmt::format("{} pages", count); }

std::string Generations(uint64_t count) {
  return count == 1 ? "1 generation" : fmt::format("{} generations", count);
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// What it suggests if all bad pages lie in one band; empty if nothing.
std::string_view Suspicion(TandemGuestBand band) {
  switch (band) {
    case TANDEM_GUEST_BAND_ZERO:
      return "zero-page handling lost them";
    case TANDEM_GUEST_BAND_INCOMPRESSIBLE:
      return "the path for incompressible pages lost them";
    case TANDEM_GUEST_BAND_CONSTANT:
      return "they were written once, in the first sweep";
    case TANDEM_GUEST_BAND_ORDINARY:
      break;
  }
  return "";
}

// ", all in the zero band: …", or nothing if the pages lie in several bands.
std::string WhichBand(const std::vector<PageFinding>& findings) {
  const TandemGuestBand band = findings.front().band;
  const bool same = std::all_of(findings.begin(), findings.end(),
                                [&](const PageFinding& finding) { return finding.band == band; });
  if (!same) return "";
  std::string text =
      fmt::format(", {} the {} band", findings.size() == 1 ? "in" : "all in", BandName(band));
  if (findings.size() > 1 && !Suspicion(band).empty()) text += fmt::format(": {}", Suspicion(band));
  return text;
}

// ", in 2 contiguous runs, the longest 0x10-0x1f", or the page itself. `findings` ascend by page.
std::string WhichRuns(const std::vector<PageFinding>& findings) {
  if (findings.size() == 1) return fmt::format(" ({:#x})", findings[0].page);
  size_t runs = 0;
  size_t longest_first = 0;
  size_t longest = 0;
  for (size_t first = 0; first < findings.size(); ++runs) {
    size_t next = first + 1;
    while (next < findings.size() && findings[next].page == findings[next - 1].page + 1) ++next;
    if (next - first > longest) {
      longest = next - first;
      longest_first = first;
    }
    first = next;
  }
  const uint64_t page = findings[longest_first].page;
  if (runs == findings.size()) return ", scattered";
  if (runs == 1) return fmt::format(" ({:#x}-{:#x}, contiguous)", page, page + longest - 1);
  return fmt::format(" (in {} contiguous runs, the longest {:#x}-{:#x})", runs, page,
                     page + longest - 1);
}

// ", all swept by vCPU 2", or nothing if they are of several, or there is only one.
std::string WhichSweeper(const std::vector<PageFinding>& findings) {
  const std::optional<uint64_t> sweeper = findings.front().sweeper;
  const bool same =
      sweeper && std::all_of(findings.begin(), findings.end(), [&](const PageFinding& finding) {
        return finding.sweeper == sweeper;
      });
  if (!same) return "";
  return fmt::format(", {}swept by vCPU {}", findings.size() == 1 ? "" : "all ", *sweeper);
}

std::string Where(const std::vector<PageFinding>& findings) {
  return WhichRuns(findings) + WhichBand(findings) + WhichSweeper(findings);
}

std::string DiagnoseZeroed(const std::vector<PageFinding>& findings) {
  const bool ambiguous =
      std::all_of(findings.begin(), findings.end(),
                  [](const PageFinding& finding) { return finding.stale_by == 1; });
  return fmt::format(
      "{} zeroed{}{}", Pages(findings.size()),
      ambiguous ? " or stale by 1 generation (it was all zero: these look alike)" : "",
      Where(findings));
}

// One part for each distance.
std::string DiagnoseDistance(const std::vector<PageFinding>& findings, bool ahead) {
  std::map<uint64_t, std::vector<PageFinding>> by_distance;
  for (const PageFinding& finding : findings) by_distance[finding.stale_by].push_back(finding);
  std::vector<std::string> parts;
  for (const auto& [distance, group] : by_distance) {
    if (parts.size() == 3) {
      parts.push_back(fmt::format("and {} more distances", by_distance.size() - parts.size()));
      break;
    }
    parts.push_back(fmt::format("{} {} {}{}", Pages(group.size()), ahead ? "ahead by" : "stale by",
                                Generations(distance), Where(group)));
  }
  return Join(parts);
}

std::string DiagnoseSwapped(const std::vector<PageFinding>& findings) {
  std::map<uint64_t, uint64_t> holds;
  for (const PageFinding& finding : findings) holds[finding.page] = finding.swapped_with;
  std::vector<std::string> parts;
  for (const auto& [page, other] : holds) {
    const auto back = holds.find(other);
    const bool mutual = back != holds.end() && back->second == page;
    if (mutual && other < page) continue;
    if (parts.size() == 3) {
      parts.push_back(fmt::format("{} in all hold other pages", findings.size()));
      break;
    }
    parts.push_back(mutual
                        ? fmt::format("pages {:#x} and {:#x} are swapped", page, other)
                        : fmt::format("page {:#x} holds the contents of page {:#x}", page, other));
  }
  return Join(parts);
}

std::string DescribeDamage(const PageFinding& finding) {
  if (finding.flipped_bit) return fmt::format("single bit {} flipped", *finding.flipped_bit);
  if (finding.zero_filled) return fmt::format("{} bytes zeroed", finding.span_bytes);
  if (finding.differing_words == 1) return "one word differs";
  return fmt::format("{} words differ within {} bytes", finding.differing_words,
                     finding.span_bytes);
}

std::string DiagnoseContents(const std::vector<PageFinding>& findings, std::string_view verb) {
  if (findings.size() > 1)
    return fmt::format("{} {}{}", Pages(findings.size()), verb, Where(findings));
  const PageFinding& finding = findings.front();
  return fmt::format("one page {} at byte {:#x} ({}){}, page {:#x}, in the {} band{}", verb,
                     finding.byte_offset, DescribeDamage(finding),
                     finding.in_transition ? " while in transition" : "", finding.page,
                     BandName(finding.band), WhichSweeper(findings));
}

std::string DiagnoseKind(FindingKind kind, const std::vector<PageFinding>& findings) {
  switch (kind) {
    case FindingKind::kZeroed:
      return DiagnoseZeroed(findings);
    case FindingKind::kStale:
      return DiagnoseDistance(findings, false);
    case FindingKind::kAhead:
      return DiagnoseDistance(findings, true);
    case FindingKind::kSwapped:
      return DiagnoseSwapped(findings);
    case FindingKind::kTorn:
      return DiagnoseContents(findings, "torn");
    case FindingKind::kDamaged:
      return DiagnoseContents(findings, "damaged");
  }
  return "";
}

// If most pages are ahead, it is the state block that is stale, and what else was found may follow
// from that.
std::string DiagnoseStaleState(const std::vector<PageFinding>& ahead, uint64_t pages_checked) {
  const auto [least, most] = std::minmax_element(
      ahead.begin(), ahead.end(),
      [](const PageFinding& a, const PageFinding& b) { return a.stale_by < b.stale_by; });
  return fmt::format(
      "the state block is stale: {} of {} pages are ahead of it, by {} to {} generations",
      ahead.size(), pages_checked, least->stale_by, most->stale_by);
}

std::string DiagnosePages(const std::vector<PageFinding>& findings, uint64_t pages_checked) {
  std::map<FindingKind, std::vector<PageFinding>> by_kind;
  for (const PageFinding& finding : findings) by_kind[finding.kind].push_back(finding);
  const std::vector<PageFinding>& ahead = by_kind[FindingKind::kAhead];
  if (ahead.size() > pages_checked / 2) return DiagnoseStaleState(ahead, pages_checked);
  if (ahead.empty()) by_kind.erase(FindingKind::kAhead);
  std::vector<std::string> parts;
  for (const auto& [kind, group] : by_kind) parts.push_back(DiagnoseKind(kind, group));
  return Join(parts);
}

std::string_view ErrorKindName(uint64_t kind) {
  constexpr std::array<std::string_view, 10> kNames = {"none",    "page", "register", "system",
                                                       "device",  "time", "options",  "exception",
                                                       "restart", "state"};
  return kind < kNames.size() ? kNames[kind] : "unknown";
}

std::string UnpackName(uint64_t id) {
  std::string name;
  for (; id != 0; id >>= 8) {
    const char character = static_cast<char>(id & 0xff);
    name += character >= ' ' && character <= '~' ? character : '?';
  }
  return name;
}

// ", stale by 2 generations" if the word of a failed check is a stamp of an earlier sweep.
std::string HowStale(const TandemGuestError& error) {
  if (error.kind != TANDEM_GUEST_ERROR_PAGE) return "";
  uint64_t mask = 0;
  switch (error.detail) {
    case 0:
      break;
    case TANDEM_GUEST_MIDDLE_WORD:
      mask = TANDEM_GUEST_MIDDLE_MASK;
      break;
    case TANDEM_GUEST_TAIL_WORD + 1:
      mask = TANDEM_GUEST_TAIL_MASK;
      break;
    default:
      return "";
  }
  const uint64_t expected = error.expected ^ mask;
  const uint64_t found = error.found ^ mask;
  if (found == 0 || found >= expected) return "";
  return fmt::format(", stale by {}", Generations(expected - found));
}

std::string DiagnoseSelfCheck(const OracleReport& report) {
  return fmt::format(
      "the guest's own checks failed {}, first: {}",
      report.self_check_errors == 1 ? "once" : fmt::format("{} times", report.self_check_errors),
      FormatSelfCheckError(report.first_self_check_error));
}

}  // namespace

std::string FormatSelfCheckError(const TandemGuestError& error) {
  const std::string subject = error.kind == TANDEM_GUEST_ERROR_PAGE
                                  ? fmt::format("{:#x} word {}", error.id, error.detail)
                                  : UnpackName(error.id);
  return fmt::format("{} {} in generation {}{}: expected {:#x}, found {:#x}{}",
                     ErrorKindName(error.kind), subject, error.generation,
                     error.processor == 0 ? "" : fmt::format(" on vCPU {}", error.processor),
                     error.expected, error.found, HowStale(error));
}

void ConcludeReport(const std::vector<PageFinding>& findings, OracleReport& report) {
  report.finding_count = findings.size();
  for (const PageFinding& finding : findings)
    ++report.count_by_kind[static_cast<size_t>(finding.kind)];
  report.findings.assign(findings.begin(),
                         findings.begin() + std::min(findings.size(), OracleReport::kMaxFindings));
  std::vector<std::string> parts;
  if (!report.state_problem.empty()) parts.push_back("state block: " + report.state_problem);
  if (!findings.empty()) parts.push_back(DiagnosePages(findings, report.pages_checked));
  if (report.self_check_errors > 0) parts.push_back(DiagnoseSelfCheck(report));
  if (parts.empty()) parts.push_back(fmt::format("consistent: all {} pages", report.pages_checked));
  const uint64_t page =
      report.layout.page_count == 0 ? 0 : report.position % report.layout.page_count;
  report.diagnosis =
      fmt::format("{} [generation {}, at page {:#x}]", Join(parts), report.generation, page);
}

std::string OracleReport::Summary() const {
  std::string text = diagnosis;
  for (const PageFinding& finding : findings) text += "\n" + FormatFinding(finding);
  if (finding_count > findings.size())
    text += fmt::format("\nand {} more pages", finding_count - findings.size());
  return text;
}

}  // namespace tandem
