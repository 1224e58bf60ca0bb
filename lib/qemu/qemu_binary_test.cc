// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/qemu_binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Words are split as a shell splits them, quotes and backslashes included.
TEST(QemuBinaryTest, SplitsLikeAShell) {
  EXPECT_THAT(SplitShellWords(R"(a  'b c' "d\"e" f\ g)").value(),
              ElementsAre("a", "b c", "d\"e", "f g"));
  EXPECT_FALSE(SplitShellWords("'open").ok());
}

// The last word is the binary, what stands before it a wrapper.
TEST(QemuBinaryTest, TakesAWrapperInFront) {
  absl::StatusOr<QemuBinary> binary = ParseQemuBinary("env -u HOME sh", "TANDEM_QEMU");
  ASSERT_TRUE(binary.ok()) << binary.status().ToString();
  EXPECT_THAT(binary->wrapper, ElementsAre(HasSubstr("/env"), "-u", "HOME"));
  EXPECT_THAT(binary->path, HasSubstr("/sh"));
}

// Each wrong value is answered by a sentence that names the variable, the value and the remedy.
TEST(QemuBinaryTest, NamesTheVariableTheValueAndTheRemedy) {
  auto error = [](const std::string& value) {
    return Message(ParseQemuBinary(value, "TANDEM_QEMU").status());
  };
  auto names = [](const char* what) {
    return AllOf(HasSubstr("TANDEM_QEMU"), HasSubstr(what), HasSubstr("give the path"));
  };
  EXPECT_THAT(error("/no/such/qemu"), names("/no/such/qemu"));
  EXPECT_THAT(error("no-such-program"), names("no-such-program"));
  EXPECT_THAT(error("/etc/passwd"), names("not an executable"));
  EXPECT_THAT(error("/usr"), names("not an executable"));
  EXPECT_THAT(error("no-wrapper --args sh"), names("no-wrapper"));
  EXPECT_THAT(error("  "), HasSubstr("no binary"));
  EXPECT_THAT(error("'/bin/sh"), HasSubstr("not closed"));
}

}  // namespace
}  // namespace tandem
