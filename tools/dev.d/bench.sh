# Runs the benchmarks, and whole tests to see where their time goes.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo, preset and say, die, refuse, quietly, allow_for_sanitizers: dev

# The tests whose phases are timed: suite, filter.
readonly timed_tests='
colo_test     Colo/ColoFailoverTest.SurvivorTakesOver/PcMultifdSecondaryAtRest
precopy_test  Precopy/PrecopyTest.StoppedGuestMovesOverTcp/Pc
'
readonly least_repetitions=5

# Sets bench_options (Google Benchmark's), bench_repetitions, bench_results and bench_what: all,
# benchmarks, tests, slowest.
parse_bench() {
  bench_options=()
  bench_repetitions=
  bench_what=all
  if [[ ${1:-} == --slowest ]]; then
    (($# <= 2)) || refuse "bench: --slowest takes one file of results, not '$3'"
    bench_what=slowest
    bench_results=${2:-$(results_file)}
    return
  fi
  while (($#)); do
    case $1 in
      --repetitions)
        (($# > 1)) || refuse "bench: $1 needs a value; see ./dev bench --help"
        if [[ ! $2 =~ ^[1-9][0-9]{0,3}$ ]] || (($2 < least_repetitions)); then
          refuse "bench: --repetitions $2: it must be a number from $least_repetitions to 9999"
        fi
        bench_repetitions=$2
        shift
        ;;
      --tests) [[ $bench_what == all ]] || refuse_both; bench_what=tests ;;
      --benchmark_*) only_benchmarks; bench_options+=("$1") ;;
      [!-]*) only_benchmarks; bench_options+=("--benchmark_filter=$1") ;;
      *) refuse "bench: unknown argument '$1'; see ./dev bench --help" ;;
    esac
    shift
  done
  [[ $bench_what != benchmarks || -z $bench_repetitions ]] ||
    refuse "bench: --repetitions is for the tests, which do not run beside a choice of benchmarks"
  bench_repetitions=${bench_repetitions:-$least_repetitions}
}

only_benchmarks() {
  [[ $bench_what != tests ]] || refuse_both
  bench_what=benchmarks
}

refuse_both() { refuse "bench: --tests runs no benchmarks: give it without their options and filters, and once"; }

run_bench() {
  if [[ $bench_what == slowest ]]; then
    "$repo/build/$preset/bench/print_phases" --slowest 10 "$bench_results"
    return
  fi
  local folder
  folder=$repo/build/$preset/bench/figures/$(date -u +%Y-%m-%dT%H-%M-%SZ)
  mkdir -p -- "$folder"
  allow_for_sanitizers
  [[ $preset == default || $preset == clang ]] || say "build/$preset is not made for speed: its figures say little"
  [[ $bench_what == tests ]] || run_benchmarks "$folder"
  [[ $bench_what == benchmarks ]] || time_tests "$folder"
  rmdir -- "$folder" 2>/dev/null || say "all figures: $folder"
}

run_benchmarks() { # folder
  local program=$repo/build/$preset/bench/tandem_bench status=0
  [[ -x $program ]] ||
    die "there is no $program: configure with -DTANDEM_BUILD_BENCHMARKS=ON, and with Google Benchmark where CMake finds it"
  local -a out=(--benchmark_out="$1/benchmarks.json" --benchmark_out_format=json)
  [[ " ${bench_options[*]} " != *' --benchmark_list_tests'* ]] || out=()
  "$program" --benchmark_min_time=2 --benchmark_counters_tabular=true "${out[@]}" "${bench_options[@]}" || status=$?
  ((status == 0)) || exit "$status" # it has said what is wrong
}

time_tests() { # folder
  local suite filter load
  load=$(cut -d ' ' -f 1-3 /proc/loadavg)
  while read -r suite filter; do
    [[ -n $suite ]] || continue
    say "timing $bench_repetitions runs of $filter"
    TANDEM_ARTIFACTS=$1 quietly "bench-$suite" "$filter" "$repo/build/$preset/suites/$suite" \
      --gtest_filter="$filter" --gtest_repeat="$bench_repetitions" --gtest_brief=1 || exit 1
  done <<<"$timed_tests"
  "$repo/build/$preset/bench/print_phases" "$1/results.jsonl" "$bench_repetitions" "$1/phases.json" "$load"
}
