// SPDX-License-Identifier: Apache-2.0
// tandem-stream: prints what is in a migration stream that QEMU saved to a file.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/stream/stream_file.h"
#include "lib/stream/stream_text.h"

namespace {

constexpr int kUsageError = 2;
constexpr const char* kUsage =
    "usage: tandem-stream [--json] [--offset=BYTES] FILE\n"
    "Prints the sections, devices, RAM blocks and page counts of QEMU's migration stream in FILE,\n"
    "from the byte --offset (decimal, or hexadecimal after 0x) on. Exit code 1 and one sentence\n"
    "where the stream is truncated or damaged.\n";

struct Options {
  bool json = false;
  uint64_t offset = 0;
  std::string path;
};

bool ParseNumber(std::string_view text, uint64_t& value) {
  bool is_hex = text.starts_with("0x");
  if (is_hex) text.remove_prefix(2);
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, value, is_hex ? 16 : 10);
  return error == std::errc() && rest == end;
}

bool ParseOptions(int argc, char** argv, Options& options) {
  constexpr std::string_view kOffset = "--offset=";
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--json") {
      options.json = true;
    } else if (argument.starts_with(kOffset)) {
      if (!ParseNumber(argument.substr(kOffset.size()), options.offset)) return false;
    } else if (argument.starts_with("-") || !options.path.empty()) {
      return false;
    } else {
      options.path = argument;
    }
  }
  return !options.path.empty();
}

absl::Status Print(const Options& options) {
  TANDEM_ASSIGN_OR_RETURN(tandem::StreamFile file, tandem::StreamFile::Open(options.path));
  TANDEM_ASSIGN_OR_RETURN(tandem::MigrationStream stream,
                          tandem::ParseStream(file.bytes(), options.offset));
  std::string text =
      options.json ? tandem::StreamToJson(stream).Pretty() + "\n" : tandem::DescribeStream(stream);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  Options options;
  if (!ParseOptions(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return kUsageError;
  }
  absl::Status status = Print(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "tandem-stream: %s: %s\n", options.path.c_str(),
               tandem::Message(status).c_str());
  return 1;
}
