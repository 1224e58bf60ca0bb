# SPDX-License-Identifier: Apache-2.0
# LTS 20220623.1. Debian's build has an absl::string_view of its own; built along with Tandem, it is
# std::string_view.
set(ABSL_PROPAGATE_CXX_STD ON)
set(ABSL_ENABLE_INSTALL ${TANDEM_INSTALL})
tandem_dependency(absl
  TARGET absl::statusor DEBIAN libabsl-dev
  GIT https://github.com/abseil/abseil-cpp.git COMMIT 8c0b94e793a66495e0b1f34a5eb26bd7dc672db0)
