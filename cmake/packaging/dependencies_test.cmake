# SPDX-License-Identifier: Apache-2.0
# What happens when a library is not on the system, and Tandem within another project. Nothing is built, and no network is used.
# Run by cmake -P with SOURCE_DIRECTORY, WORK_DIRECTORY, GENERATOR, COMPILER and FETCHED.
include(${CMAKE_CURRENT_LIST_DIR}/../test_helpers.cmake)

set(git_calls ${WORK_DIRECTORY}/git-calls.txt)

# Configures Tandem where the system has neither spdlog nor RapidJSON, and git only writes down what
# it is asked for. Sets `result` and `code`.
function(configure)
  file(REMOVE_RECURSE ${WORK_DIRECTORY}/build)
  run(${CMAKE_COMMAND} -E env "PATH=${WORK_DIRECTORY}/bin:$ENV{PATH}"
      ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE_DIRECTORY} -B ${WORK_DIRECTORY}/build
      -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_EXPORT_COMPILE_COMMANDS=ON -D TANDEM_BUILD_TESTS=OFF
      -D CMAKE_DISABLE_FIND_PACKAGE_spdlog=ON -D CMAKE_DISABLE_FIND_PACKAGE_RapidJSON=ON ${ARGN})
  string(REGEX REPLACE "[ \n]+" " " result "${result}")  # CMake breaks lines of messages
  set(result "${result}" PARENT_SCOPE)
  set(code "${code}" PARENT_SCOPE)
endfunction()

# The error names the library, Debian's package and the ways out.
function(check_missing)
  configure()
  foreach(words "spdlog was not found" libspdlog-dev "./dev setup" -DTANDEM_FETCH_DEPENDENCIES=ON
                -DFETCHCONTENT_SOURCE_DIR_SPDLOG=DIR)
    expect_text("${result}" "${words}")
  endforeach()
  expect_match("${code}" "^[1-9]")
endfunction()

# The option asks git for the pinned repositories: CMake 3.25 mixes up git's arguments easily.
function(check_fetch)
  configure(-D TANDEM_FETCH_DEPENDENCIES=ON)
  expect_match("${code}" "^[1-9]")  # such a git brings nothing
  file(READ ${git_calls} calls)
  expect_match("${calls}" "clone [^\n]*https://github.com/fmtlib/fmt.git fmt-src\n")
endfunction()

# Folders with sources are used as they are, without git.
function(check_folders)
  file(REMOVE ${git_calls})
  foreach(library fmt spdlog)
    file(WRITE ${WORK_DIRECTORY}/${library}/CMakeLists.txt
         "project(${library} NONE)\nadd_library(${library} INTERFACE)\n"
         "add_library(${library}::${library} ALIAS ${library})\n"
         "target_include_directories(${library} INTERFACE \${CMAKE_CURRENT_SOURCE_DIR}/include)\n")
  endforeach()
  file(MAKE_DIRECTORY ${WORK_DIRECTORY}/rapidjson/include)
  configure(-D TANDEM_INSTALL=OFF -D FETCHCONTENT_SOURCE_DIR_FMT=${WORK_DIRECTORY}/fmt
            -D FETCHCONTENT_SOURCE_DIR_SPDLOG=${WORK_DIRECTORY}/spdlog
            -D FETCHCONTENT_SOURCE_DIR_RAPIDJSON=${WORK_DIRECTORY}/rapidjson)
  if(NOT code STREQUAL "0" OR EXISTS ${git_calls})
    message(SEND_ERROR "folders with sources are not enough (${code}): ${result}")
  endif()
  file(READ ${WORK_DIRECTORY}/build/compile_commands.json commands)
  expect_text("${commands}" "-isystem ${WORK_DIRECTORY}/spdlog/include")
  expect_text("${commands}" "-isystem ${WORK_DIRECTORY}/rapidjson/include")
endfunction()

# Within a project that has targets of likely names; for both kinds of generators.
function(check_subdirectory)
  file(WRITE ${WORK_DIRECTORY}/outer/CMakeLists.txt
       "cmake_minimum_required(VERSION 3.25)\nproject(outer)\nenable_testing()\n"
       "add_custom_target(docs)\nadd_custom_target(guest-kernels)\n"
       "add_subdirectory(${SOURCE_DIRECTORY} tandem)\n"
       "tandem_suite(handover)\n")
  file(WRITE ${WORK_DIRECTORY}/outer/handover_test.cc "")
  foreach(generator ${GENERATOR} "Ninja Multi-Config")
    file(REMOVE_RECURSE ${WORK_DIRECTORY}/outer/build)
    run_ok(${CMAKE_COMMAND} -G ${generator} -S ${WORK_DIRECTORY}/outer -B ${WORK_DIRECTORY}/outer/build
           -D CMAKE_CXX_COMPILER=${COMPILER})
  endforeach()
  run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK_DIRECTORY}/outer/build -C Release)  # nothing is built
  expect_text("${result}" "${WORK_DIRECTORY}/outer/build/Release/handover_test")
  run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK_DIRECTORY}/outer/build)
  expect_text("${result}" "Say which configuration of handover_test: ctest -C Release")
endfunction()

file(REMOVE_RECURSE ${WORK_DIRECTORY})
file(WRITE ${WORK_DIRECTORY}/bin/git "#!/bin/sh
[ \"$1\" != --version ] || { echo git version 2.39.0; exit; }
echo \"$*\" >>${git_calls}
exit 1
")
file(CHMOD ${WORK_DIRECTORY}/bin/git PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
check_missing()
check_fetch()
check_folders()
if(NOT FETCHED)
  check_subdirectory()
endif()
