# SPDX-License-Identifier: Apache-2.0
# tandem_suite(): a program of tests on real QEMUs, listed by ctest as <family>.<Suite>.<Test>.
include(GoogleTest)

# tandem_suite(family): suites/<family>_test.cc. Timeouts, labels and skips are settled when ctest
# reads its files (TandemTestProperties.cmake), because they follow the environment.
function(tandem_suite family)
  add_executable(${family}_test ${family}_test.cc)
  target_link_libraries(${family}_test PRIVATE tandem::main)
  tandem_compile_options(${family}_test)
  gtest_discover_tests(${family}_test TEST_PREFIX ${family}. TEST_LIST ${family}_tests NO_PRETTY_VALUES
                       DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 30)
  set(properties ${CMAKE_CURRENT_BINARY_DIR}/${family}_properties.cmake)
  file(WRITE ${properties}
       "set(tandem_family ${family})\nset(tandem_tests \${${family}_tests})\n"
       "include(\"${PROJECT_SOURCE_DIR}/cmake/TandemTestProperties.cmake\")\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${properties})
endfunction()
