# SPDX-License-Identifier: Apache-2.0
# Headers only. The last release, 1.1.0 of 2016, does not compile everywhere; distributions patch it
# or take its development branch, as is done here (February 2025).
tandem_dependency(RapidJSON ONLY_HEADERS
  TARGET tandem::rapidjson DEBIAN rapidjson-dev
  GIT https://github.com/Tencent/rapidjson.git COMMIT 24b5e7a8b27f42fa16b96fc70aade9106cf7102f)

add_library(tandem_rapidjson INTERFACE)
add_library(tandem::rapidjson ALIAS tandem_rapidjson)
if(RapidJSON_FETCHED)
  set(RAPIDJSON_INCLUDE_DIRS "${rapidjson_SOURCE_DIR}/include")
endif()
target_include_directories(tandem_rapidjson SYSTEM INTERFACE
  ${RapidJSON_INCLUDE_DIRS} ${RAPIDJSON_INCLUDE_DIRS})  # spelled by the package's version
target_compile_definitions(tandem_rapidjson INTERFACE RAPIDJSON_HAS_STDSTRING=1)
