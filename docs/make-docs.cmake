# SPDX-License-Identifier: Apache-2.0
# cmake -DDOXYGEN=… -DDOXYFILE=… -P make-docs.cmake: runs Doxygen and fails on a warning, but for
# that of a member without a comment: the name of an accessor or a field may say all. Types, free
# functions and macros need one.
execute_process(COMMAND ${DOXYGEN} ${DOXYFILE} ERROR_VARIABLE warnings RESULT_VARIABLE code)
string(REGEX REPLACE "[^\n]*: warning: Member [^\n]* of (class|struct) [^\n]* is not documented[.]\n" ""
       warnings "${warnings}")
if(NOT code EQUAL 0 OR warnings)
  message("${warnings}")
  message(FATAL_ERROR "the documentation has flaws, see above (${DOXYGEN} ended with ${code})")
endif()
