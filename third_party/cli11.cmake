# SPDX-License-Identifier: Apache-2.0
# CLI11 2.1.2, headers only, for the command line of the runner: without Tandem's tests it is not
# needed.
if(TANDEM_BUILD_TESTS)
  tandem_dependency(CLI11 ONLY_HEADERS
    TARGET CLI11::CLI11 DEBIAN libcli11-dev
    ARCHIVE https://github.com/CLIUtils/CLI11/archive/v2.1.2.tar.gz
    SHA256 26291377e892ba0e5b4972cdfd4a2ab3bf53af8dac1f4ea8fe0d1376b625c8cb)
  add_library(tandem_cli11 INTERFACE)
  add_library(tandem::cli11 ALIAS tandem_cli11)
  if(CLI11_FETCHED)
    target_include_directories(tandem_cli11 SYSTEM INTERFACE "${cli11_SOURCE_DIR}/include")
  else()
    target_link_libraries(tandem_cli11 INTERFACE CLI11::CLI11)
  endif()
endif()
