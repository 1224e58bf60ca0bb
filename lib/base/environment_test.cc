// SPDX-License-Identifier: Apache-2.0
#include "lib/base/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "lib/base/status.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kVariable[] = "TANDEM_ENVIRONMENT_TEST";

absl::StatusOr<double> Number(const char* value) {
  setenv(kVariable, value, 1);
  return EnvironmentNumber(kVariable, 5, 0.1, 1000);
}

// Numbers are numbers whatever the locale; a variable that is empty is not set.
TEST(EnvironmentTest, NumbersHaveADecimalPoint) {
  EXPECT_EQ(Number("2.25").value(), 2.25);
  EXPECT_EQ(Number("1e2").value(), 100);
  EXPECT_EQ(Number("").value(), 5);
}

// Nonsense, and what lies outside of the limits, is named with the variable.
TEST(EnvironmentTest, NonsenseIsNamed) {
  for (const char* value : {"abc", "2,25", "0", "1001", "nan", "inf", "1 2", "10s", " ", "-1"}) {
    absl::Status status = Number(value).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << value;
    EXPECT_THAT(Message(status), AllOf(HasSubstr(kVariable), HasSubstr(value)));
  }
}

}  // namespace
}  // namespace tandem
