// SPDX-License-Identifier: Apache-2.0
// main() of the unit tests: GoogleTest's, but a program in which every test was skipped ends with
// exit code 77, so that ctest need not read what a failing test may have printed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  int result = RUN_ALL_TESTS();
  const ::testing::UnitTest& tests = *::testing::UnitTest::GetInstance();
  bool skipped = tests.skipped_test_count() > 0 && tests.successful_test_count() == 0;
  return result == 0 && skipped ? 77 : result;
}
