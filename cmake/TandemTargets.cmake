# SPDX-License-Identifier: Apache-2.0
# tandem_library() and tandem_unit_test(): one CMake target per folder, one test binary per folder.

# What every Tandem target is compiled with.
function(tandem_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                           -Woverloaded-virtual -Wimplicit-fallthrough
                                           -Wno-missing-field-initializers)  # options structs
  if(TANDEM_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(TANDEM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TANDEM_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # false alarms in <regex>, which g++ documents as such
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${TANDEM_SANITIZE})
  endif()
endfunction()

# tandem_library(name [NOT_INSTALLED] SOURCES … DEPENDS … PRIVATE_DEPENDS …): the library
# tandem::<name> of the folder at hand, a part of the package.
function(tandem_library name)
  cmake_parse_arguments(arg NOT_INSTALLED "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(tandem_${name} STATIC ${arg_SOURCES})
  add_library(tandem::${name} ALIAS tandem_${name})
  set_target_properties(tandem_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(tandem_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                   $<INSTALL_INTERFACE:include/tandem>)
  target_link_libraries(tandem_${name} PUBLIC ${arg_DEPENDS})
  if(arg_PRIVATE_DEPENDS)  # headers only: what links an installed library does not need them
    target_link_libraries(tandem_${name} PRIVATE $<BUILD_INTERFACE:${arg_PRIVATE_DEPENDS}>)
  endif()
  tandem_compile_options(tandem_${name})
  if(TANDEM_INSTALL AND NOT arg_NOT_INSTALLED)
    install(TARGETS tandem_${name} EXPORT tandemTargets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  endif()
endfunction()

# tandem_unit_test(name SOURCES … DEPENDS …): tests without QEMU, listed by ctest as unit.<Suite>.<Test>.
function(tandem_unit_test name)
  if(NOT TANDEM_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/lib/unit_test_main.cc)
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gmock GTest::gtest)
  tandem_compile_options(${name})
  tandem_discover_suite(${name} unit)
endfunction()
