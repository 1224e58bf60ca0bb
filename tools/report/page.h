// SPDX-License-Identifier: Apache-2.0
// report.html as text: one file that needs no other and no network.
//
// What tests say is data, never markup: it stands as JSON in elements that no browser runs, and the
// page's script makes text of it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/qmp/json.h"

namespace tandem {

// JSON that the page reads only when somebody looks at it: the element "<kind>-<record>".
struct PageAttachment {
  std::string kind;   // "timeline", "reproduce"
  size_t record = 0;  // which of the data's records it belongs to
  std::string json;   // one line
};

// The page. `data` has the members that tools/report/js/model.js reads: title, generated, run,
// records, metrics, …
std::string RenderPage(const std::string& title, const Json& data,
                       const std::vector<PageAttachment>& attachments);

// JSON text that can stand in a script element: without any '<'.
std::string ScriptSafe(const std::string& json);

}  // namespace tandem
