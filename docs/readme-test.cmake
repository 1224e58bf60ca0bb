# SPDX-License-Identifier: Apache-2.0
# The test that README.md shows is one that runs.
set(repo ${CMAKE_CURRENT_LIST_DIR}/..)
file(READ ${repo}/README.md readme)
file(READ ${repo}/suites/colo_test.cc suite)
string(REGEX MATCH "```cpp\n([^`]+)```" shown "${readme}")
string(FIND "${suite}" "${CMAKE_MATCH_1}" position)
if(NOT shown OR position EQUAL -1)
  message(FATAL_ERROR "README.md, \"How a test reads\": not as in suites/colo_test.cc")
endif()
