// SPDX-License-Identifier: Apache-2.0
// tandem-stream: prints what is in a migration stream that QEMU saved to a file.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "lib/base/status.h"
#include "lib/process/standard_streams.h"
#include "lib/stream/stream_file.h"
#include "lib/stream/stream_text.h"

namespace tandem {
namespace {

constexpr int kBadStream = 1;
constexpr int kUsageError = 2;
constexpr char kFooter[] =
    "Exit codes: 0 the stream is whole; 1 it is truncated or damaged, or cannot be read, which "
    "one\n"
    "sentence tells; 2 wrong arguments.\n\n"
    "  tandem-stream saved\n"
    "  tandem-stream --json saved | jq '.blocks[] | {name, \"normal-pages\"}'\n"
    "  tandem-stream --pages saved | grep ' xbzrle page'\n";

struct Options {
  bool json = false, pages = false;
  uint64_t offset = 0;
  std::string path;
};

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("FILE", options.path, "What QEMU saved by file: or exec:, or with mapped-ram")
      ->required();
  app.add_flag("--json", options.json, "Prints JSON, with QEMU's description of the devices");
  app.add_flag("--pages", options.pages, "Lists each page, as often as it was sent");
  app.add_option("--offset", options.offset,
                 "Where the stream begins, in bytes; hexadecimal after 0x");
  app.footer(kFooter);
}

std::string ToText(const MigrationStream& stream, const Options& options) {
  if (!options.json) {
    return DescribeStream(stream) + (options.pages ? DescribePages(stream) : "");
  }
  Json json = StreamToJson(stream);
  if (options.pages) json = json.MergedWith(Json::Object({{"pages", PagesToJson(stream)}}));
  return json.Pretty() + "\n";
}

absl::Status Print(const Options& options) {
  TANDEM_ASSIGN_OR_RETURN(StreamFile file, StreamFile::Open(options.path));
  TANDEM_ASSIGN_OR_RETURN(MigrationStream stream, ParseStream(file.bytes(), options.offset));
  std::string text = ToText(stream, options);
  bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (is_written && std::fflush(stdout) == 0) return absl::OkStatus();
  return ErrnoError(errno, "standard output cannot be written");
}

int Run(int argc, char** argv) {
  CLI::App app("Prints the sections, devices, RAM blocks and pages of a QEMU migration stream.",
               "tandem-stream");
  Options options;
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help among them
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  absl::Status status = Print(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "tandem-stream: %s: %s\n", options.path.c_str(), Message(status).c_str());
  return kBadStream;
}

}  // namespace
}  // namespace tandem

// Tandem throws nothing itself; the standard library may, without memory.
int main(int argc, char** argv) {
  tandem::OpenClosedStreams();
  try {
    return tandem::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem-stream: %s\n", error.what());
    return tandem::kBadStream;
  }
}
