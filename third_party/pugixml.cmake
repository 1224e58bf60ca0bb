# SPDX-License-Identifier: Apache-2.0
# pugixml 1.15, by which the runner writes junit.xml and reads that of ctest: without Tandem's tests it
# is not needed.
# What is fetched is used by its headers alone.
if(TANDEM_BUILD_TESTS)
  tandem_dependency(pugixml ONLY_HEADERS
    TARGET pugixml::pugixml DEBIAN libpugixml-dev
    GIT https://github.com/zeux/pugixml.git COMMIT ee86beb30e4973f5feffe3ce63bfa4fbadf72f38)
  add_library(tandem_pugixml INTERFACE)
  add_library(tandem::pugixml ALIAS tandem_pugixml)
  if(pugixml_FETCHED)
    target_include_directories(tandem_pugixml SYSTEM INTERFACE "${pugixml_SOURCE_DIR}/src")
    target_compile_definitions(tandem_pugixml INTERFACE PUGIXML_HEADER_ONLY)
  else()
    target_link_libraries(tandem_pugixml INTERFACE pugixml::pugixml)
  endif()
endif()
