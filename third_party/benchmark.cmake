# SPDX-License-Identifier: Apache-2.0
# Google Benchmark 1.7.1, for bench/ only: without it there are no benchmarks.
if(TANDEM_BUILD_BENCHMARKS)
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  set(BENCHMARK_ENABLE_WERROR OFF)
  tandem_dependency(benchmark OPTIONAL
    TARGET benchmark::benchmark DEBIAN libbenchmark-dev
    GIT https://github.com/google/benchmark.git COMMIT d572f4777349d43653b21d6c2fc63020ab326db2)
endif()
