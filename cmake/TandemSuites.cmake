# SPDX-License-Identifier: Apache-2.0
# Programs of tests on real QEMUs, listed by ctest as <family>.<Suite>.<Test>. Installed: this is what
# find_package(tandem) brings to projects of their own.

# tandem_suite(family): a program <family>_test of the tests in <family>_test.cc, known to ctest.
function(tandem_suite family)
  add_executable(${family}_test ${family}_test.cc)
  target_link_libraries(${family}_test PRIVATE tandem::main)
  if(PROJECT_NAME STREQUAL "tandem")
    tandem_compile_options(${family}_test)
  endif()
  tandem_discover_suite(${family}_test ${family})
endfunction()

# tandem_discover_suite(target family): lists the tests of a program that uses tandem::main, or ends
# with exit code 77 as that does when all tests were skipped. It is asked, and timeouts, labels and
# skips are settled, when ctest reads its files: they follow the environment.
function(tandem_discover_suite target family)
  set(tests ${CMAKE_CURRENT_BINARY_DIR}/${target}_tests)
  set(of_configuration ${tests}.cmake)
  get_property(is_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(is_multi_config)  # a program for each, and ctest -C says which
    set(of_configuration ${tests}-$<CONFIG>.cmake)
    file(CONFIGURE OUTPUT ${tests}.cmake @ONLY CONTENT
         "if(NOT CTEST_CONFIGURATION_TYPE)\n\
  message(FATAL_ERROR \"Say which configuration of @target@: ctest -C Release\")\nendif()\n\
include(\"@tests@-\${CTEST_CONFIGURATION_TYPE}.cmake\")\n")
  endif()
  file(GENERATE OUTPUT ${of_configuration} CONTENT
       "set(tandem_family ${family})\nset(tandem_program \"$<TARGET_FILE:${target}>\")\n\
include(\"${CMAKE_CURRENT_FUNCTION_LIST_DIR}/TandemListTests.cmake\")\n\
include(\"${CMAKE_CURRENT_FUNCTION_LIST_DIR}/TandemTestProperties.cmake\")\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${tests}.cmake)
endfunction()
