# SPDX-License-Identifier: Apache-2.0
# GoogleTest and GoogleMock 1.12.1.
set(INSTALL_GTEST ${TANDEM_INSTALL})
tandem_dependency(GTest
  TARGET GTest::gmock DEBIAN "libgtest-dev libgmock-dev"
  GIT https://github.com/google/googletest.git COMMIT 58d77fa8070e8cec2dc1ed015d66b454c8d78850)
