// SPDX-License-Identifier: Apache-2.0
// Text as reports need it: short, printable, valid UTF-8, and written to files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tandem {

// `text` cut to at most `limit` bytes, with "…" in place of what was cut; never inside a character.
std::string Shorten(std::string_view text, size_t limit);

// Bytes that are no valid UTF-8 are replaced by U+FFFD, as JSON needs it.
std::string ValidUtf8(std::string_view text);

// Valid UTF-8 in which control characters (a line end too) are written as "\x07".
std::string Printable(std::string_view text);

// Without the line ends; a last line that has none counts too.
std::vector<std::string> SplitLines(std::string_view text);

// "2026-01-31T23:59:59.123Z", as all reports have a time of day.
std::string UtcText(absl::Time time);

// The contents of a file, whatever they are; "" when it cannot be read.
std::string ReadTextFile(const std::string& path);

// Replaces the file. The error names it.
absl::Status WriteTextFile(const std::string& path, std::string_view text);

// The same in one step: nobody sees half of it, and an error leaves the file as it was.
absl::Status ReplaceTextFile(const std::string& path, std::string_view text);

}  // namespace tandem
