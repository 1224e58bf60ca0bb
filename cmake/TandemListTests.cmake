# SPDX-License-Identifier: Apache-2.0
# Read by ctest: lists the tests of one program, named by tandem_family and tandem_program, as
# <family>.<Suite>.<Test> in tandem_tests. In place of gtest_discover_tests, which gives every test a
# SKIP_REGULAR_EXPRESSION that nothing can take away again: a failed test that prints GoogleTest's
# marker of a skipped one, its own or that of a program that it runs, would be shown as skipped.

set(tandem_tests "")
if(NOT EXISTS "${tandem_program}")
  add_test(${tandem_family}_NOT_BUILT "${tandem_program}")
  return()
endif()
execute_process(COMMAND "${tandem_program}" --gtest_list_tests
                OUTPUT_VARIABLE listing ERROR_VARIABLE errors RESULT_VARIABLE code TIMEOUT 30)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${tandem_program} --gtest_list_tests failed (${code}): ${errors}")
endif()

# The values of parameters go first: brackets and semicolons in them would mean something in a list.
# Names have none; ? stands for any character in GoogleTest's filter.
string(REGEX REPLACE " *#[^\n]*" "" listing "\n${listing}")
string(REGEX REPLACE "[][;\\]" "?" listing "${listing}")
string(REGEX MATCHALL "\n  " test_lines "${listing}")
string(REPLACE "\n" ";" lines "${listing}")
foreach(line IN LISTS lines)
  if(line MATCHES "^[^ ]+[.]$")
    set(suite "${line}")
  elseif(line MATCHES "^  ([^ ]+)$")
    set(filter "${suite}${CMAKE_MATCH_1}")
    string(REPLACE DISABLED_ "" name "${tandem_family}.${filter}")
    add_test(${name} "${tandem_program}" --gtest_filter=${filter} --gtest_also_run_disabled_tests)
    if(filter MATCHES "DISABLED_")
      set_tests_properties(${name} PROPERTIES DISABLED TRUE)
    endif()
    list(APPEND tandem_tests ${name})
  endif()
endforeach()

list(LENGTH test_lines expected)
list(LENGTH tandem_tests count)
if(NOT count EQUAL expected)
  message(FATAL_ERROR "${tandem_program} --gtest_list_tests: ${expected} lines of tests, but ${count} "
                      "were understood:\n${listing}")
endif()
