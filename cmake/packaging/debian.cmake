# SPDX-License-Identifier: Apache-2.0
# `cpack -G DEB` in the build tree: tandem runs the suites, tandem-dev is what other projects build against.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tandem)
if(NOT CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "The Tandem developers <tandem@tandem.invalid>")
endif()
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME tandem)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "qemu-system-x86, gdb, gnutls-bin")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "Suites of tests for any QEMU binary: live migration, and COLO, QEMU's fault tolerance.
A small guest of its own shows lost or stale memory and registers.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME tandem-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "tandem (= ${PROJECT_VERSION}), libabsl-dev, libgmock-dev, libgtest-dev, libspdlog-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Static libraries, headers and a CMake package, to write such tests in projects of one's own.")

# What was built along would clash with the packages of Debian that have it.
if(tandem_fetched)
  message(STATUS "cpack makes no tandem-dev: it would hold ${tandem_fetched} too")
  set(CPACK_COMPONENTS_ALL runtime)
endif()
include(CPack)
