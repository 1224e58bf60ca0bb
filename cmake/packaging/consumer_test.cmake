# SPDX-License-Identifier: Apache-2.0
# A project of somebody else, examples/consumer, against an installed and moved Tandem.
# Run by cmake -P with BUILD_DIRECTORY, SOURCE_DIRECTORY, WORK_DIRECTORY, GENERATOR, COMPILER,
# LAUNCHER and BUILD_TYPE.
include(${CMAKE_CURRENT_LIST_DIR}/../test_helpers.cmake)

set(prefix ${WORK_DIRECTORY}/prefix)

# Installed to one folder and used from another: no path of the installation may be fixed.
function(install_tandem)
  run_ok(${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${WORK_DIRECTORY}/installed)
  file(RENAME ${WORK_DIRECTORY}/installed ${prefix})
endfunction()

function(expect_no_path_of_the_tree)
  file(GLOB_RECURSE files ${prefix}/*.cmake ${prefix}/*.h ${prefix}/bin/* ${prefix}/share/doc/*)
  list(LENGTH files count)
  if(count LESS 50)
    message(SEND_ERROR "too little is installed: ${files}")
  endif()
  foreach(file IN LISTS files)
    file(READ ${file} text)
    foreach(tree ${BUILD_DIRECTORY} ${SOURCE_DIRECTORY} ${WORK_DIRECTORY}/installed)
      string(FIND "${text}" "${tree}" position)
      if(NOT position EQUAL -1)
        message(SEND_ERROR "${file} names ${tree}")
      endif()
    endforeach()
  endforeach()
endfunction()

function(build project)
  run_ok(${CMAKE_COMMAND} -G ${GENERATOR} -S ${WORK_DIRECTORY}/${project} -B ${WORK_DIRECTORY}/${project}-build
         -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER}
         -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -D CMAKE_BUILD_TYPE=${BUILD_TYPE}
         -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF -D CMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON)
  run_ok(${CMAKE_COMMAND} --build ${WORK_DIRECTORY}/${project}-build --parallel 2)
endfunction()

function(run_tests project)
  run(${CMAKE_COMMAND} -E env --unset=TANDEM_GUEST_IMAGES --unset=TANDEM_TIMEOUT TANDEM_KEEP=always
      TANDEM_ARTIFACTS=${WORK_DIRECTORY}/${project}-artifacts
      ${CMAKE_CTEST_COMMAND} --test-dir ${WORK_DIRECTORY}/${project}-build --output-on-failure --no-tests=error)
  set(result "${result}" PARENT_SCOPE)
  set(code "${code}" PARENT_SCOPE)
endfunction()

function(check_consumer)
  file(COPY ${SOURCE_DIRECTORY}/examples/consumer DESTINATION ${WORK_DIRECTORY})
  build(consumer)
  run_tests(consumer)
  expect_match("${result}" "handover[.]HandoverTest[.][^\n]* Passed")
  expect_match("${code}" "^0$")
  expect_guest_from(${prefix}/share/tandem/guests ${WORK_DIRECTORY}/consumer-artifacts)
endfunction()

# The same with an expectation that is wrong. And every installed header compiles.
function(check_broken_consumer)
  file(COPY ${SOURCE_DIRECTORY}/examples/consumer/ DESTINATION ${WORK_DIRECTORY}/broken)
  set(test ${WORK_DIRECTORY}/broken/handover_test.cc)
  file(READ ${test} text)
  string(REPLACE "HasRunState(\"postmigrate\")" "HasRunState(\"colo\")" changed "${text}")
  if(changed STREQUAL text)
    message(SEND_ERROR "${test} has no expectation to break")
  endif()
  file(WRITE ${test} "${changed}")

  file(GLOB_RECURSE headers RELATIVE ${prefix}/include/tandem ${prefix}/include/tandem/*.h)
  list(TRANSFORM headers REPLACE "(.+)" "#include \"\\1\"\n")
  list(JOIN headers "" headers)
  file(WRITE ${WORK_DIRECTORY}/broken/headers.cc "${headers}")
  file(APPEND ${WORK_DIRECTORY}/broken/CMakeLists.txt
       "add_library(headers OBJECT headers.cc)\ntarget_link_libraries(headers PRIVATE tandem::fixtures)\n")

  build(broken)
  run_tests(broken)
  expect_match("${result}" "handover[.]HandoverTest[.][^\n]*[*]Failed")
  expect_match("${result}" "Expected: [^\n]*colo")
  expect_match("${code}" "^[1-9]")
endfunction()

file(REMOVE_RECURSE ${WORK_DIRECTORY})
install_tandem()
expect_no_path_of_the_tree()
check_consumer()
check_broken_consumer()
