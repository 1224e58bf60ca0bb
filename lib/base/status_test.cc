// SPDX-License-Identifier: Apache-2.0
#include "lib/base/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What the system refuses fails a test: no errno is a missing ability, which would skip it.
TEST(StatusTest, NoErrnoIsAReasonToSkip) {
  for (int error = 1; error < 134; ++error) {
    absl::Status status = ErrnoError(error, "cannot start source");
    EXPECT_FALSE(status.ok()) << error;
    EXPECT_FALSE(absl::IsFailedPrecondition(status)) << status.ToString();
  }
  EXPECT_THAT(Message(ErrnoError(ETXTBSY, "cannot start source")),
              AllOf(HasSubstr("cannot start source"), HasSubstr("Text file busy")));
}

}  // namespace
}  // namespace tandem
