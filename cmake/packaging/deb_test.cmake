# SPDX-License-Identifier: Apache-2.0
# The .deb packages: what they say, what they hold, and a suite that runs from them.
# Run by cmake -P with BUILD_DIRECTORY, WORK_DIRECTORY, DPKG_DEB, VERSION and FETCHED.
include(${CMAKE_CURRENT_LIST_DIR}/../test_helpers.cmake)

# Sets `file` to the path of the package.
function(find_package_file name)
  file(GLOB files ${WORK_DIRECTORY}/${name}_${VERSION}_*.deb)
  list(LENGTH files count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "expected one package ${name}, got: ${files}")
  endif()
  set(file ${files} PARENT_SCOPE)
endfunction()

function(check_package name)
  find_package_file(${name})
  run_ok(${DPKG_DEB} --contents ${file})
  foreach(path IN LISTS ARGN)
    expect_match("${result}" "[.]/usr/${path}")
  endforeach()
  if(result MATCHES " [.]/([^u\n][^\n]*)")
    message(SEND_ERROR "${name} holds /${CMAKE_MATCH_1}, which is not below /usr")
  endif()
  run_ok(${DPKG_DEB} --extract ${file} ${WORK_DIRECTORY}/root)
endfunction()

# Sets `result` to a field of the package's description.
function(read_field name field)
  find_package_file(${name})
  run_ok(${DPKG_DEB} --field ${file} ${field})
  set(result "${result}" PARENT_SCOPE)
endfunction()

function(check_runtime)
  check_package(tandem bin/tandem libexec/tandem/colo_test libexec/tandem/precopy_test
    share/tandem/testcases/default/precopy/Precopy.PrecopyTest.StoppedGuestMovesOverTcp.Pc.test
    share/tandem/guests/tandem-guest-x86_64.rom share/tandem/guests/tandem-guest-x86_64.img
    share/doc/tandem/copyright)
  read_field(tandem Depends)
  expect_match("${result}" "libc6 \\(>= ")
  if(NOT FETCHED)
    expect_match("${result}" "libabsl[0-9]+")
  endif()
  file(READ ${WORK_DIRECTORY}/root/usr/share/doc/tandem/copyright text)
  foreach(words "Apache License" RapidJSON "Copyright 2008, Google" "Gabi Melman" "Victor Zverovich"
                "University of Cincinnati")
    expect_match("${text}" "${words}")
  endforeach()
endfunction()

function(check_development)
  check_package(tandem-dev lib[^\n]*/libtandem_fixtures.a lib[^\n]*/cmake/tandem/tandemConfig.cmake
    lib[^\n]*/cmake/tandem/TandemSuites.cmake include/tandem/fixtures/migration_fixture.h
    include/tandem/tandem/guest_abi.h share/doc/tandem-dev/copyright)
  read_field(tandem-dev Depends)
  foreach(dependency "tandem \\(= ${VERSION}\\)" libabsl-dev libgmock-dev libgtest-dev libspdlog-dev)
    expect_match("${result}" "${dependency}")
  endforeach()
endfunction()

# One test, run from a folder of its own, with a guest of the package; the evidence is kept there.
function(check_run folder success)
  file(MAKE_DIRECTORY ${WORK_DIRECTORY}/${folder})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env --unset=TANDEM_ARTIFACTS --unset=TANDEM_GUEST_IMAGES TANDEM_KEEP=always
            ${ARGN}
    WORKING_DIRECTORY ${WORK_DIRECTORY}/${folder}
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
  expect_match("${output}" "${success}")
  expect_match("${code}" "^0$")
  expect_guest_from(${WORK_DIRECTORY}/root/usr/share/tandem/guests ${WORK_DIRECTORY}/${folder})
endfunction()

# The command finds suites and guests beside it, and writes into the current folder.
function(check_command)
  set(root ${WORK_DIRECTORY}/root/usr)
  set(filter *StoppedGuestMovesOverTcp/Pc)
  run_ok(${root}/bin/tandem run --list)
  expect_match("${result}" "colo[.].*precopy[.]")
  run(${root}/bin/tandem run --label no-such-suite)
  expect_match("${result}" "no test has the label 'no-such-suite'; the labels are: .*colo")
  expect_match("${code}" "^2$")
  check_run(by_command "1 passed\n" ${root}/bin/tandem run --label precopy --filter=${filter})
  if(EXISTS ${root}/libexec/tandem/artifacts)
    message(SEND_ERROR "artifacts were written among the installed programs")
  endif()
  if(NOT EXISTS ${WORK_DIRECTORY}/by_command/tandem-results/latest/run.json)
    message(SEND_ERROR "the run left no results in the current folder")
  endif()

  # A program that cannot write beside itself; not even root can make a folder of this.
  file(WRITE ${root}/libexec/tandem/artifacts "")
  check_run(by_program "PASSED  . 1 test" ${root}/libexec/tandem/precopy_test --gtest_filter=${filter})
endfunction()

file(REMOVE_RECURSE ${WORK_DIRECTORY})
get_filename_component(cpack ${CMAKE_COMMAND} DIRECTORY)
run_ok(${CMAKE_COMMAND} -E chdir ${BUILD_DIRECTORY} ${cpack}/cpack -G DEB -B ${WORK_DIRECTORY})
check_runtime()
if(NOT FETCHED)
  check_development()
endif()
check_command()
