# SPDX-License-Identifier: Apache-2.0
# spdlog 1.11.0 with fmt 9.1.0. The two must fit: a fetched spdlog brings its fmt.
set(SPDLOG_FMT_EXTERNAL ON)
set(SPDLOG_INSTALL ${TANDEM_INSTALL})
set(FMT_INSTALL ${TANDEM_INSTALL})
if(NOT TARGET spdlog::spdlog AND NOT TARGET fmt::fmt)
  tandem_find_dependency(spdlog)
  if(NOT spdlog_FOUND AND (FETCHCONTENT_SOURCE_DIR_FMT OR TANDEM_FETCH_DEPENDENCIES))
    tandem_fetch_dependency(fmt
      GIT https://github.com/fmtlib/fmt.git COMMIT a33701196adfad74917046096bf5a2aa0ab0bb50)
  endif()
endif()
tandem_dependency(spdlog
  TARGET spdlog::spdlog DEBIAN libspdlog-dev
  GIT https://github.com/gabime/spdlog.git COMMIT ad0e89cbfb4d0c1ce4d097e134eb7be67baebb36)
