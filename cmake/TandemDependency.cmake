# SPDX-License-Identifier: Apache-2.0
# tandem_dependency(): a library from the system, or a pinned release of its source.
# All are macros, because packages tell by variables too, and read those that the caller sets.
include(FetchContent)

# tandem_dependency(package TARGET target DEBIAN packages
#                   (GIT url COMMIT hash | ARCHIVE url SHA256 hash) [ONLY_HEADERS] [OPTIONAL])
# Uses, in this order: what a project around this one has made already; the folder of sources in
# FETCHCONTENT_SOURCE_DIR_<PACKAGE>; the package of the system; with TANDEM_FETCH_DEPENDENCIES, the
# commit or archive. What is not found ends the configuration, unless it is OPTIONAL. Sets <package>_FETCHED.
macro(tandem_dependency package)
  cmake_parse_arguments(dependency "ONLY_HEADERS;OPTIONAL" "TARGET;DEBIAN" "" ${ARGN})
  string(TOUPPER ${package} dependency_upper)
  set(${package}_FETCHED FALSE)
  if(NOT TARGET ${dependency_TARGET})
    tandem_find_dependency(${package})
    if(NOT ${package}_FOUND AND
       (FETCHCONTENT_SOURCE_DIR_${dependency_upper} OR TANDEM_FETCH_DEPENDENCIES))
      tandem_fetch_dependency(${package} ${ARGN})
    elseif(NOT ${package}_FOUND AND NOT dependency_OPTIONAL)
      message(FATAL_ERROR
        "${package} was not found. Either install it (on Debian ${dependency_DEBIAN}; ./dev setup "
        "installs all that is missing); or name its folder in CMAKE_PREFIX_PATH; or let CMake "
        "fetch and build the pinned release, by -DTANDEM_FETCH_DEPENDENCIES=ON; or give a folder "
        "with its sources, by -DFETCHCONTENT_SOURCE_DIR_${dependency_upper}=DIR.")
    endif()
  endif()
endmacro()

# Looks for the package of the system, unless its sources are given, or the fetched ones are wanted
# by FETCHCONTENT_TRY_FIND_PACKAGE_MODE=NEVER.
macro(tandem_find_dependency package)
  string(TOUPPER ${package} dependency_upper)
  if(NOT (FETCHCONTENT_SOURCE_DIR_${dependency_upper} OR
          (TANDEM_FETCH_DEPENDENCIES AND FETCHCONTENT_TRY_FIND_PACKAGE_MODE STREQUAL "NEVER")))
    find_package(${package} QUIET)
    if(${package}_FOUND)
      message(STATUS "${package}: from the system, ${${package}_DIR}")
    endif()
  endif()
endmacro()

# tandem_fetch_dependency(package (GIT url COMMIT hash | ARCHIVE url SHA256 hash)
#                         [ONLY_HEADERS] [OPTIONAL])
# Builds a dependency along with Tandem, without the warnings of its headers.
macro(tandem_fetch_dependency package)
  cmake_parse_arguments(dependency "ONLY_HEADERS;OPTIONAL" "GIT;COMMIT;ARCHIVE;SHA256" ""
                        ${ARGN})
  set(dependency_options "")
  if(dependency_ONLY_HEADERS)
    set(dependency_options SOURCE_SUBDIR include)  # has no CMakeLists.txt: nothing is built
  endif()
  # SYSTEM comes first: after another argument, CMake 3.25 makes it a part of that one.
  if(dependency_ARCHIVE)
    FetchContent_Declare(${package} SYSTEM URL ${dependency_ARCHIVE}
                         URL_HASH SHA256=${dependency_SHA256} DOWNLOAD_EXTRACT_TIMESTAMP FALSE
                         ${dependency_options})
  else()
    FetchContent_Declare(${package} SYSTEM GIT_REPOSITORY ${dependency_GIT}
                         GIT_TAG ${dependency_COMMIT} GIT_SUBMODULES "" ${dependency_options})
  endif()
  FetchContent_MakeAvailable(${package})
  set(${package}_FETCHED TRUE)
  if(NOT dependency_ONLY_HEADERS AND NOT dependency_OPTIONAL)  # so an installed Tandem needs it
    set_property(GLOBAL APPEND PROPERTY TANDEM_FETCHED ${package})
  endif()
  string(TOLOWER ${package} dependency_lower)
  message(STATUS "${package}: built from ${${dependency_lower}_SOURCE_DIR}")
endmacro()
