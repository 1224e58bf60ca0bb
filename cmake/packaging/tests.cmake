# SPDX-License-Identifier: Apache-2.0
# Tests of what is installed, as its users meet it.
add_test(NAME package.Dependencies
  COMMAND ${CMAKE_COMMAND} -D SOURCE_DIRECTORY=${PROJECT_SOURCE_DIR}
          -D WORK_DIRECTORY=${CMAKE_CURRENT_BINARY_DIR}/dependencies
          -D GENERATOR=${CMAKE_GENERATOR} -D COMPILER=${CMAKE_CXX_COMPILER} "-D FETCHED=${tandem_fetched}"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/dependencies_test.cmake)
set_tests_properties(package.Dependencies PROPERTIES LABELS package TIMEOUT 120 COST 20)

if(TANDEM_SANITIZE)
  return()  # nobody installs that: its users would have to be built alike
endif()

add_test(NAME package.Consumer
  COMMAND ${CMAKE_COMMAND} -D BUILD_DIRECTORY=${PROJECT_BINARY_DIR} -D SOURCE_DIRECTORY=${PROJECT_SOURCE_DIR}
          -D WORK_DIRECTORY=${CMAKE_CURRENT_BINARY_DIR}/consumer
          -D GENERATOR=${CMAKE_GENERATOR} -D COMPILER=${CMAKE_CXX_COMPILER}
          -D LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER} -D BUILD_TYPE=${CMAKE_BUILD_TYPE}
          -P ${CMAKE_CURRENT_SOURCE_DIR}/consumer_test.cmake)
set_tests_properties(package.Consumer PROPERTIES LABELS package TIMEOUT 400 PROCESSORS 2 COST 60)

find_program(TANDEM_DPKG_DEB dpkg-deb DOC "dpkg-deb, for the test of the .deb packages")
find_program(TANDEM_DPKG_SHLIBDEPS dpkg-shlibdeps DOC "dpkg-shlibdeps, for the .deb packages")
if(TANDEM_DPKG_DEB AND TANDEM_DPKG_SHLIBDEPS)
  add_test(NAME package.Deb
    COMMAND ${CMAKE_COMMAND} -D BUILD_DIRECTORY=${PROJECT_BINARY_DIR}
            -D WORK_DIRECTORY=${CMAKE_CURRENT_BINARY_DIR}/deb -D DPKG_DEB=${TANDEM_DPKG_DEB}
            -D VERSION=${PROJECT_VERSION} "-D FETCHED=${tandem_fetched}"
            -P ${CMAKE_CURRENT_SOURCE_DIR}/deb_test.cmake)
  set_tests_properties(package.Deb PROPERTIES LABELS package TIMEOUT 400 COST 60)
else()
  message(STATUS "no test of the .deb packages: dpkg-deb or dpkg-shlibdeps is not here")
endif()
