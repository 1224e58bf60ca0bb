// SPDX-License-Identifier: Apache-2.0
// The files of the page, as the build put them into the program.
#pragma once

#include <string_view>

namespace tandem {

// page.html with {{names}} where the rest goes.
extern const std::string_view kPageTemplate;
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace tandem
