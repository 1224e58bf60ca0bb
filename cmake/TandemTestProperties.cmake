# SPDX-License-Identifier: Apache-2.0
# Read by ctest after it has listed the tests of one suite, named by tandem_family and tandem_tests.
# Sets what depends on the environment or on the test's name.

# 30 s above the watchdog of the test itself, so that it can write its evidence.
set(timeout 120)
if(NOT "$ENV{TANDEM_TIMEOUT}" STREQUAL "")
  set(timeout $ENV{TANDEM_TIMEOUT})
endif()
set(factor 1)
if(NOT "$ENV{TANDEM_TIMEOUT_FACTOR}" STREQUAL "")
  set(factor $ENV{TANDEM_TIMEOUT_FACTOR})
endif()
# CMake calculates with integers: in thousandths, from decimals of up to three places.
foreach(number timeout factor)
  if(NOT ${number} MATCHES "^([0-9]+)(\\.([0-9]+))?$")
    message(FATAL_ERROR "TANDEM_TIMEOUT or TANDEM_TIMEOUT_FACTOR is not a number: ${${number}}")
  endif()
  set(whole ${CMAKE_MATCH_1})
  string(SUBSTRING "${CMAKE_MATCH_3}000" 0 3 decimals)
  math(EXPR ${number} "${whole} * 1000 + 1${decimals} - 1000")
endforeach()
math(EXPR timeout "${timeout} * ${factor} / 1000000 + 30")

foreach(test IN LISTS tandem_tests)
  set(labels ${tandem_family})
  foreach(word Plain Multifd Pc Q35)
    if(test MATCHES "/[A-Za-z0-9]*${word}")
      string(TOLOWER ${word} label)
      list(APPEND labels ${label})
    endif()
  endforeach()
  # INSTANTIATE_TEST_SUITE_P(Slow, …): sweeps, of which the same suite has a sample elsewhere.
  if(test MATCHES "^[a-z]+[.][A-Za-z0-9]*Slow/")
    list(APPEND labels slow)
  endif()
  # The exit code tells a skipped test, not what it prints.
  set_tests_properties(${test} PROPERTIES
    TIMEOUT ${timeout} LABELS "${labels}" PROCESSORS 1
    SKIP_RETURN_CODE 77)
endforeach()
