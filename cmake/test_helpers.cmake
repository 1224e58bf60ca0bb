# SPDX-License-Identifier: Apache-2.0
# For tests that cmake -P runs.

function(expect_match text pattern)
  if(NOT text MATCHES "${pattern}")
    message(SEND_ERROR "expected \"${pattern}\" in:\n${text}")
  endif()
endfunction()

function(expect_text text part)
  string(FIND "${text}" "${part}" position)
  if(position EQUAL -1)
    message(SEND_ERROR "expected \"${part}\" in:\n${text}")
  endif()
endfunction()

# Runs a command; sets `result` to what it says and `code` to how it ends.
function(run)
  execute_process(COMMAND ${ARGV} OUTPUT_VARIABLE output ERROR_VARIABLE output
                  RESULT_VARIABLE exit_code)
  set(result "${output}" PARENT_SCOPE)
  set(code "${exit_code}" PARENT_SCOPE)
endfunction()

# The same for a command that must not fail.
function(run_ok)
  run(${ARGV})
  if(NOT code STREQUAL "0")
    message(FATAL_ERROR "failed (${code}): ${ARGV}\n${result}")
  endif()
  set(result "${result}" PARENT_SCOPE)
endfunction()

# The kept evidence of a test says that its machines booted an image in `folder`.
function(expect_guest_from folder artifacts)
  file(GLOB_RECURSE replays ${artifacts}/*/reproduce.sh)
  if(NOT replays)
    message(SEND_ERROR "no evidence in ${artifacts}")
  endif()
  foreach(replay IN LISTS replays)
    file(STRINGS ${replay} options REGEX " -bios ")
    expect_text("${options}" "${folder}/tandem-guest-x86_64.rom")
  endforeach()
endfunction()
