// SPDX-License-Identifier: Apache-2.0
#include "tools/report/page.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "absl/strings/str_replace.h"
#include "tools/report/page_parts.h"

namespace tandem {
namespace {

std::string EscapeText(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

// Puts texts in place of the names. What they hold is not looked at.
std::string Filled(std::string_view text, const std::map<std::string_view, std::string_view>& by) {
  std::string filled;
  for (;;) {
    size_t open = text.find("{{"), close = text.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    filled += text.substr(0, open);
    filled += by.at(text.substr(open + 2, close - open - 2));
    text.remove_prefix(close + 2);
  }
  return filled += text;
}

}  // namespace

std::string ScriptSafe(const std::string& json) {
  return absl::StrReplaceAll(json, {{"<", "\\u003c"}});
}

std::string RenderPage(const std::string& title, const Json& data,
                       const std::vector<PageAttachment>& attachments) {
  std::string attached;
  for (const PageAttachment& each : attachments) {
    attached += fmt::format("<script type=\"application/json\" id=\"{}-{}\">{}</script>\n",
                            each.kind, each.record, ScriptSafe(each.json));
  }
  std::string escaped_title = EscapeText(title), safe_data = ScriptSafe(data.Dump());
  return Filled(kPageTemplate, {{"title", escaped_title},
                                {"style", kPageStyle},
                                {"data", safe_data},
                                {"attachments", attached},
                                {"script", kPageScript}});
}

}  // namespace tandem
