// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/machine_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;

// The options of a destination show up on its command line, its own arguments before -incoming.
TEST(MachineOptionsTest, CommandLineSaysWhatTheOptionsSay) {
  MachineOptions options{.role = "destination",
                         .machine_type = "q35",
                         .vcpus = 2,
                         .start_paused = true,
                         .incoming = "defer",
                         .arguments = {"-device", "edu"}};
  std::vector<std::string> line = CommandLine(options, "/t/q", "/t/s");
  EXPECT_THAT(line, IsSupersetOf({"-machine", "q35", "-m", "150", "-smp", "2", "-S", "-qmp",
                                  "unix:/t/q", "-serial", "unix:/t/s"}));
  EXPECT_THAT(std::vector<std::string>(line.end() - 4, line.end()),
              ElementsAre("-device", "edu", "-incoming", "defer"));
}

// What is not asked for is not said, so that QEMU's own default holds.
TEST(MachineOptionsTest, DefaultsAreLeftToQemu) {
  std::vector<std::string> line = CommandLine({.role = "probe", .ram_mib = 0}, "/t/q", "");
  EXPECT_THAT(line, Not(Contains("-m")));
  EXPECT_THAT(line, Not(Contains("-S")));
  EXPECT_THAT(line, Not(Contains("-serial")));
}

// A comma would end the option, a quote the word.
TEST(MachineOptionsTest, EscapesForQemuAndForTheShell) {
  EXPECT_EQ(EscapeOption("/t/a,b"), "/t/a,,b");
  EXPECT_EQ(QuoteForShell("plain-1.0"), "plain-1.0");
  EXPECT_EQ(QuoteForShell("it's"), R"('it'\''s')");
  EXPECT_EQ(QuoteForShell(""), "''");
}

}  // namespace
}  // namespace tandem
