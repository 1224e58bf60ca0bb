#!/usr/bin/env bash
# Tests of ./dev. Prints "ok - …", "not ok - …" or "skipped - …" for each.
#
# ./dev runs in a source tree made here, with a PATH on which every program that it could need
# is a stub or a link to the real one: nothing is built, fetched, installed or removed outside.
set -euo pipefail
export LC_ALL=C

source_tree=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(cd -P -- "$(mktemp -d)" && pwd)
trap 'rm -rf -- "$scratch"' EXIT
tree="$scratch/a tree"
unset TANDEM_PRESET TANDEM_CACHE TANDEM_ARTIFACTS CC CXX "${!TANDEM_QEMU@}" "${!QTEST_@}"
passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); printf 'ok - %s\n' "$1"; }
skip() { skipped=$((skipped + 1)); printf 'skipped - %s: %s\n' "$1" "$2"; }
not_ok() {
  failed=$((failed + 1))
  printf 'not ok - %s (exit code %s)\n' "$1" "$status"
  sed 's/^/    /' -- "$scratch/out" "$scratch/err" "$scratch/calls"
}

check() { # name, expected status, words of the output or nothing, further words…
  local name=$1 expected=$2 words
  shift 2
  if [[ $status != "$expected" ]]; then not_ok "$name"; return; fi
  for words in "$@"; do
    if ! grep -qF -- "$words" "$scratch/out" "$scratch/err" "$scratch/calls"; then
      printf '    no "%s" in:\n' "$words"
      not_ok "$name"
      return
    fi
  done
  ok "$name"
}

# Runs ./dev with the stubs; leaves status, out, err and the calls of stubs.
dev() {
  status=0
  : >"$scratch/calls"
  (cd -- "$scratch" && PATH=$scratch/bin "$tree/dev" "$@") >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
}

called() { grep -qxF -- "$1" "$scratch/calls"; }

stub() { # program, lines of shell
  rm -f -- "$scratch/bin/$1"
  # shellcheck disable=SC2016  # for the stub
  printf '#!/bin/bash\nscratch=%q\necho "%s $*" >>"$scratch/calls"\n%s\n' "$scratch" "$1" "${2:-}" >"$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}

without() { # program…
  local program
  for program in "$@"; do rm -f -- "$scratch/bin/$program"; done
}

# A machine that has all that is needed, and no apt.
make_machine() {
  local program
  rm -rf -- "${scratch:?}/bin"
  mkdir -- "$scratch/bin"
  for program in awk bash basename cat chmod cut date dirname env find grep head id mkdir mktemp nproc paste \
    readlink realpath rm rmdir sed sort tail tr wc xargs; do
    ln -s -- "$(type -P "$program")" "$scratch/bin/$program"
  done
  for program in ninja cc c++ objcopy certtool gdb patchelf gpg xmllint doxygen clang clang++ clang-format clang-tidy shellcheck; do stub "$program"; done
  # The real cmake finds libraries; this one says what is in $scratch/libraries.
  printf '%s\n' GTest::gtest GTest::gmock absl::statusor spdlog::spdlog RapidJSON CLI11 pugixml >"$scratch/libraries"
  # shellcheck disable=SC2016  # for the stub
  stub cmake 'case $1 in
    --version) echo "cmake version $(cat "$scratch/cmake-version")" ;;
    -G) sed "s/^/found /" "$scratch/libraries" ;;
    --preset) mkdir -p "build/$2" ;;
    --build) [[ ! -e $scratch/build-fails ]] || { seq 100; echo "FAILED: lib/a.o"; echo "error: no a"; exit 1; } ;;
  esac'
  echo 3.25.1 >"$scratch/cmake-version"
  ln -s -- "$(type -P seq)" "$scratch/bin/seq"
  stub ctest 'echo "100% tests passed, 0 tests failed out of 7"'
}

make_tree() {
  mkdir -p -- "$tree/tools" "$tree/build/default/suites"
  cp -r -- "$source_tree/dev" "$source_tree/CMakePresets.json" "$tree/"
  cp -r -- "$source_tree/tools/dev.d" "$tree/tools/"
  stub fetch-qemu 'echo /fetched/qemu'
  mv -- "$scratch/bin/fetch-qemu" "$tree/tools/"
}

# A suite with given tests, which writes given lines to results.jsonl.
make_suite() { # name, tests, lines
  local suite=$tree/build/default/suites/$1
  cat >"$suite" <<END
#!$(type -P bash)
echo "$1 \$*" >>"$scratch/calls"
echo "TANDEM_QEMU=\${TANDEM_QEMU:-}" >>"$scratch/calls"
echo "TANDEM_KNOWN_DEFECTS=\${TANDEM_KNOWN_DEFECTS:-}" >>"$scratch/calls"
if [[ " \$* " == *' --gtest_list_tests '* ]]; then
  for test in $2; do
    [[ "\$*" == *--gtest_filter=* && "\$*" != *"--gtest_filter=\$test"* ]] || printf 'Suite.\n  %s\n' "\$test"
  done
  exit
fi
results=\${TANDEM_ARTIFACTS:-${tree// /\\ }/build/default/suites/artifacts}/results.jsonl
mkdir -p -- "\${results%/*}"
cat >>"\$results" <<'LINES'
$3
LINES
! grep -q '"status":"FAILED"' <<'LINES'
$3
LINES
END
  chmod +x "$suite"
}

result() { # test, outcome, machine type, reason
  local end=''
  [[ $1 != *Colo* || $2 != PASSED ]] || end=',"measurements":{"takeover_ms":3.5}'
  [[ $1 != *Precopy* ]] || end=',"measurements":{"downtime_ms":45}'
  [[ $2 != FAILED ]] || end=',"artifacts":"/artifacts/of it"'
  printf '{"schema":3,"test":"%s","status":"%s"%s,"seconds":1.5,"versions":{"primary":"11.1.3 (Debian 1, x)","secondary":"11.1.3 (Debian 1, x)"},"machine_type":"%s","accelerator":"tcg"%s}\n' \
    "$1" "$2" "${4:+,\"reason\":\"$4\"}" "$3" "$end"
}

test_command_line() {
  local command
  dev
  check 'without a command it tells the commands' 0 'usage: ./dev <command>' 'run the COLO suite'
  dev nonsense
  check 'an unknown command is named' 2 "unknown command 'nonsense'"
  for command in help setup qemu build run test lint bench clean; do
    dev "$command" --help
    check "$command --help" 0 'usage: ./dev'
    [[ $command == help ]] && continue
    dev "$command" --nonsense
    check "$command: an unknown option is named" 2 "'--nonsense'"
  done
  dev build nonsense
  check 'an unknown preset is named, with those that are known' 2 "'nonsense'" 'default debug asan tsan'
  TANDEM_PRESET=nonsense dev run
  check 'an unknown TANDEM_PRESET is named' 2 TANDEM_PRESET "'nonsense'"
  dev run Filter Filter
  check 'two filters are refused' 2 "'Filter' is one filter too many"
  dev test -R
  check 'test: an option without its value is refused' 2 '-R needs a value'
}

test_setup() {
  dev setup
  check 'where nothing is missing, setup needs no apt' 0 'nothing is missing'
  without gdb
  dev setup
  check 'an optional program is missed, but not needed' 0 'gdb' 'nothing is missing'

  without ninja
  sed -i '/absl/d' "$scratch/libraries"
  dev setup
  check 'without apt the missing packages are named' 1 'there is no apt here' ninja-build libabsl-dev
  stub dpkg-query '[[ $* == *gtest* ]] && echo installed'
  dev setup
  check 'packages that are installed are not named' 1 'run this again: libabsl-dev libcli11-dev libgmock-dev libpugixml-dev libspdlog-dev ninja-build rapidjson-dev'
  stub ninja
  dev setup
  check 'and no others' 1 'run this again: libabsl-dev'

  stub apt-get
  stub id 'echo 1000'
  dev setup
  check 'without root and sudo the missing packages are named' 1 'you are not root' 'run this again: libabsl-dev'
  dev run
  check 'run needs them too' 1 'run this again: libabsl-dev'
  # shellcheck disable=SC2016  # for the stub
  stub sudo 'exec "$@"'
  # shellcheck disable=SC2016
  stub apt-get '[[ $* != *install* ]] || echo absl::statusor >>"$scratch/libraries"'
  dev setup
  check 'by sudo, apt installs what is missing' 0 'installing with sudo and apt: gdb libabsl-dev' 'nothing is missing'
  # shellcheck disable=SC2016
  stub apt-get 'exit 100'
  dev setup
  check 'an optional package that cannot be had is no failure' 0 'apt could not install gdb' 'goes on without'
  dev build
  ! grep -q '^apt-get' "$scratch/calls" || status=called
  check 'no other command asks apt for it' 0
  stub gdb
  dev setup
  ! grep -q '^apt-get' "$scratch/calls" || status=called
  check 'apt is not asked when nothing is missing' 0 'nothing is missing'

  sed -i '/absl/d' "$scratch/libraries"
  stub id 'echo 0'
  without sudo
  stub apt-get 'echo "E: no such mirror"; exit 100'
  dev setup
  check 'a failure of apt is shown' 1 'E: no such mirror' 'apt could not install libabsl-dev'
  stub apt-get
  dev setup
  check 'what apt installs in vain is named' 1 'even after apt' libabsl-dev

  make_machine
  echo 3.18.4 >"$scratch/cmake-version"
  dev setup
  check 'a CMake that is too old is missed' 1 'cmake' '3.25 or newer'
  make_machine
  without clang++
  dev build clang
  check 'the preset clang needs clang' 1 'run this again: clang'
  without clang-tidy
  dev lint
  check 'lint names what it needs' 1 'run this again: clang-tidy'
  make_machine
}

test_build() {
  dev build
  check 'build says how long it took' 0 'built build/default in'
  called 'cmake --build --preset default' || status=uncalled
  check 'build uses the preset' 0
  TANDEM_PRESET=debug dev build
  check 'TANDEM_PRESET is the default preset' 0 'built build/debug' 'cmake --build --preset debug'
  : >"$scratch/build-fails"
  dev build
  check 'what failed in a build is shown' 1 'FAILED: lib/a.o' 'error: no a' 'building build/default failed'
  ! grep -qx 50 "$scratch/err" || status=noisy
  check 'and the rest is not' 1
  rm -- "$scratch/build-fails"
}

test_qemu() {
  dev qemu
  check 'qemu fetches the default release' 0 'fetch-qemu 11.1' /fetched/qemu
  dev qemu 7.2 10.0
  check 'qemu fetches what it is told' 0 'fetch-qemu 7.2 10.0'

  make_suite colo_test Test "$(result C/ColoTest.T/PcPlainPrimaryAtRest PASSED pc-i440fx-11.1)"
  dev run
  check 'run fetches the default release' 0 'fetch-qemu 11.1'
  TANDEM_QEMU=/etc/passwd dev run
  check 'a TANDEM_QEMU that is no program is refused before the build' 1 'TANDEM_QEMU=/etc/passwd' 'is not an executable file'
  ! grep -q '^cmake --build' "$scratch/calls" || status=built
  check 'nothing was built then' 1
  TANDEM_QEMU=/nowhere/qemu dev run
  check 'a TANDEM_QEMU that is not there is refused' 1 'TANDEM_QEMU=/nowhere/qemu' 'there is no'
  QTEST_QEMU_BINARY='env FOO=1 nowhere-qemu' dev test
  check 'a QTEST_QEMU_BINARY behind a wrapper, too' 1 'QTEST_QEMU_BINARY=env' 'there is no "nowhere-qemu"'
  stub my-qemu
  TANDEM_QEMU=my-qemu dev run
  check 'a TANDEM_QEMU in PATH is taken' 0 TANDEM_QEMU=my-qemu
  ! grep -q '^fetch-qemu' "$scratch/calls" || status=fetched
  check 'and nothing is fetched' 0
  TANDEM_QEMU=./bin/my-qemu dev run
  check 'a relative path is written out' 0 "TANDEM_QEMU=$scratch/./bin/my-qemu"
  TANDEM_KNOWN_DEFECTS=mine.json dev run
  check 'also of a file of known defects' 0 "TANDEM_KNOWN_DEFECTS=$scratch/mine.json"
  TANDEM_KNOWN_DEFECTS=none dev run
  check 'but not the word none' 0 'TANDEM_KNOWN_DEFECTS=none'
  TANDEM_QEMU='env bin/my-qemu' dev run
  check 'also behind a wrapper' 0 "TANDEM_QEMU=env $scratch/bin/my-qemu"
  TANDEM_QEMU_SRC=my-qemu dev run
  check 'one side alone still needs the default release' 0 'fetch-qemu 11.1'
}

test_run() {
  local lines
  lines=$(result 'V/ColoTest.Survives/PcPlainPrimaryAtRest' PASSED pc-i440fx-11.1
    result 'V/ColoTest.Survives/Q35MultifdSecondaryDuringCheckpoint' PASSED pc-q35-11.1)
  make_suite colo_test 'Colo Both' "$lines"
  make_suite precopy_test 'Pre Both' "$(result 'PrecopyTest.Runs/Unix' PASSED pc-i440fx-11.1)"
  dev run
  check 'run says what was proved' 0 'proved on QEMU 11.1.3 (tcg): 2 COLO failovers' \
    'machine types: pc-i440fx-11.1, pc-q35-11.1; transports: plain, multifd' \
    'survivors: primary, secondary; failed over: at rest, during a checkpoint' \
    "evidence: $tree/build/default/suites/artifacts/results.jsonl" '2 passed, 0 failed, 0 skipped'
  ! grep -q '^precopy_test' "$scratch/calls" || status=both
  check 'run runs the COLO suite only' 0
  dev run
  check 'earlier runs do not count' 0 '2 passed, 0 failed'
  TANDEM_ARTIFACTS=artifacts dev run
  check 'TANDEM_ARTIFACTS may be relative' 0 "evidence: $scratch/artifacts/results.jsonl"

  dev run Both
  check 'a filter is for all suites' 0 'colo_test --gtest_filter=Both' 'precopy_test --gtest_filter=Both' \
    'proved on QEMU 11.1.3 (tcg): 1 migration '
  dev run --gtest_filter=Pre --gtest_repeat=2
  check 'options of GoogleTest are handed on' 0 'precopy_test --gtest_filter=Pre --gtest_repeat=2' \
    'proved on QEMU 11.1.3 (tcg): 1 migration with the guest intact'
  dev run Nothing
  check 'a filter that matches nothing is an error' 2 "no test matches 'Nothing'"
  dev run '*' --gtest_list_tests
  ! grep -q 'proved' "$scratch/err" || status=proved
  dev run Both --gtest_list_tests
  check 'a list proves nothing' 0 '  Both'

  make_suite colo_test Colo "$(result 'V/ColoTest.Survives/PcPlainPrimaryAtRest' FAILED pc '{\"status\":\"PASSED\"}')"
  dev run
  check 'a failure is told with its evidence' 1 'failed: V/ColoTest.Survives/PcPlainPrimaryAtRest; see /artifacts/of it' \
    '0 passed, 1 failed' 'colo_test ended with exit code 1'
  make_suite colo_test Colo "$(result 'V/ColoTest.Survives/PcPlainPrimaryAtRest' SKIPPED '' 'no COLO in it')"
  dev run
  check 'skipped tests prove nothing' 1 'skipped because: no COLO in it' 'nothing was proved'
  dev run --allow-all-skipped
  check 'which may be allowed' 0 'nothing was proved'
  make_suite colo_test Colo "$(result 'V/ColoTest.Survives/PcPlainPrimaryAtRest' KNOWN_DEFECT '' 'it hangs' |
    sed 's/"seconds"/"known_defect":"colo-hangs",&/')"
  dev run
  check 'nor do known defects' 1 '0 passed, 0 failed, 1 skipped' 'known defect of QEMU colo-hangs: ended 1 test' 'nothing was proved'
  make_suite colo_test Colo "$(result 'V/ColoTest.Survives/PcPlainPrimaryAtRest' PASSED pc |
    sed 's/"seconds"/"known_defects_not_shown":["colo-hangs","other"],&/')"
  dev run
  check 'a defect that did not show is told' 0 'known defect of QEMU colo-hangs: did not show in 1 test' 'known defect of QEMU other: did not show'
  make_suite colo_test Colo ''
  dev run
  check 'no test at all proves nothing' 1 'nothing was proved'
  dev run --allow-all-skipped
  check 'even if all may be skipped' 1 'nothing was proved'
  echo 'exit 2' >>"$tree/build/default/suites/colo_test"
  dev run
  check 'wrong settings end the run' 2
  ! grep -q 'proved' "$scratch/err" || status=proved
  check 'with no verdict' 2
  rm -- "$tree/build/default/suites/colo_test"
  dev run
  check 'a missing suite is an error' 1 'there are no COLO tests'
}

test_test() {
  local coverage=$tree/build/default/tools/coverage
  mkdir -p -- "$coverage"
  stub tandem-coverage '[[ ! -e $scratch/coverage-shrinks ]]'
  mv -- "$scratch/bin/tandem-coverage" "$coverage/"
  dev test -R colo --rerun-failed
  check 'test runs ctest' 0 "ctest --test-dir $tree/build/default -j $(nproc) --output-on-failure --no-tests=error --output-junit $tree/build/default/junit.xml -R colo --rerun-failed"
  [[ $(tail -n 1 "$scratch/out") == '100% tests passed, 0 tests failed out of 7' ]] || status=hidden
  check "ctest's closing line is the last one" 0
  stub ctest 'printf "%s\n" "<testcase name=\"a\" status=\"notrun\">" "<testcase name=\"b\" status=\"disabled\">" >"'"$tree"'/build/default/junit.xml"'
  dev test
  check 'a run in which all was skipped fails' 1 'every test of the suites was skipped' '--allow-all-skipped'
  dev test --allow-all-skipped
  check 'unless that is allowed' 0
  stub ctest 'printf "%s\n" "<testcase name=\"a\" status=\"notrun\">" "<testcase name=\"b\" status=\"run\">" >"'"$tree"'/build/default/junit.xml"'
  dev test
  check 'a run in which some were does not' 0 'junit.xml -LE ^slow$' "tandem-coverage --results=$tree/build/default/coverage/results.jsonl --qemu=/fetched/qemu"
  touch "$scratch/coverage-shrinks"
  dev test
  check 'a run that covers less than is decided fails' 1 'coverage has shrunk'
  dev test --allow-all-skipped
  check 'unless that is allowed, too' 0
  TANDEM_QEMU=$(type -P true) dev test
  check "as does one on the user's own QEMU" 1 "--qemu=$(type -P true) --other_qemu" 'coverage has shrunk'
  dev coverage
  check 'coverage fails with its tool' 1 'tandem-coverage --output=docs/coverage.md'
  rm -- "$scratch/coverage-shrinks"
  dev coverage a/results.jsonl
  check 'coverage takes the results of a run' 0 "tandem-coverage --results=$scratch/a/results.jsonl --qemu=/fetched/qemu --output=docs/coverage.md" 'wrote docs/coverage.md'
  TANDEM_QEMU=$(type -P true) dev coverage a/results.jsonl
  check "also on the user's own QEMU" 0 "--qemu=$(type -P true) --other_qemu --output=docs/coverage.md"
  stub ctest 'printf "%s\n" "<testcase name=\"colo.a\" status=\"notrun\">" "<testcase name=\"unit.b\" status=\"run\">" "<testcase name=\"releases.7.2.c\" status=\"run\">" >"'"$tree"'/build/default/junit.xml"'
  dev test
  check 'nor are unit tests or other releases what is asked for' 1 'every test of the suites was skipped'
  stub ctest 'exit 8'
  dev test
  check 'its failure is the failure of test' 8
}

test_bench() {
  local bench=$tree/build/default/bench suites=$tree/build/default/suites
  mkdir -p -- "$bench"
  stub tandem_bench '[[ $* != *none* ]]'
  # shellcheck disable=SC2016  # for the stub
  stub print_phases 'cat "$1"; echo "a table"'
  mv -- "$scratch/bin"/{tandem_bench,print_phases} "$bench/"
  make_suite colo_test Colo "$(result Colo passed pc)"
  make_suite precopy_test Precopy "$(result Precopy passed pc)"

  dev bench
  check 'bench asks for Google Benchmark' 1 'there is no apt here' 'run this again: libbenchmark-dev'
  echo benchmark::benchmark >>"$scratch/libraries"
  dev bench
  check 'bench runs the benchmarks and the tests, and tells where its figures are' 0 \
    "tandem_bench --benchmark_min_time=2 --benchmark_counters_tabular=true --benchmark_out=$bench/figures/" \
    'colo_test --gtest_filter=Colo/ColoFailoverTest.SurvivorTakesOver/PcMultifdSecondaryAtRest --gtest_repeat=5' \
    'precopy_test --gtest_filter=Precopy/PrecopyTest.StoppedGuestMovesOverTcp/Pc --gtest_repeat=5' \
    "print_phases $bench/figures/" 'a table' '"test":"Colo"' '"test":"Precopy"' "all figures: $bench/figures/"
  grep -qE 'results.jsonl 5 .*/phases.json [0-9.]+ [0-9.]+ [0-9.]+$' "$scratch/calls" || status=wrong
  check 'the load average is of before the tests' 0
  dev bench Oracle --benchmark_repetitions=3
  check 'a filter and options are for the benchmarks' 0 '--benchmark_filter=Oracle --benchmark_repetitions=3'
  ! grep -q '^colo_test' "$scratch/calls" || status=both
  check 'and leave the tests out' 0
  dev bench --tests --repetitions 7
  check '--tests runs the tests, as often as is said' 0 'colo_test' '--gtest_repeat=7' 'results.jsonl 7 '
  ! grep -q '^tandem_bench' "$scratch/calls" || status=both
  check 'and leaves the benchmarks out' 0
  TANDEM_PRESET=debug dev bench none
  check 'figures of another preset are doubted, and a missing program is named' 1 \
    'build/debug is not made for speed' 'debug/bench/tandem_bench: configure with -DTANDEM_BUILD_BENCHMARKS=ON'

  dev bench none
  check 'a benchmark that fails fails bench' 1
  dev bench --tests --benchmark_repetitions=3
  check 'tests and options of benchmarks are refused' 2 '--tests runs no benchmarks'
  dev bench Oracle --repetitions 7
  check 'repetitions of no tests are refused' 2 '--repetitions is for the tests'
  local number
  for number in 4 0 x -5 05 10000 ''; do
    dev bench --repetitions "$number"
    check "'$number' repetitions are refused" 2 "--repetitions $number: it must be a number from 5 to 9999"
  done
  dev bench --repetitions
  check 'bench: an option without its value is refused' 2 '--repetitions needs a value'

  echo 'echo "Failure: too late"; exit 1' >>"$suites/precopy_test"
  dev bench --tests
  check 'a test that fails fails bench, and is shown' 1 'Failure: too late'
  make_suite precopy_test Precopy ''
  printf '%s\n' 'echo no result >&2' 'exit 1' >>"$bench/print_phases"
  dev bench --tests
  check 'so does a table that cannot be made' 1 'no result'
  rm -rf -- "$bench" "$suites"/*_test
  make_machine
}

test_clean() {
  local cache=$scratch/cache
  mkdir -p -- "$cache/qemu/11.1" "$cache/mine"
  TANDEM_CACHE=$cache dev clean --all
  check 'clean --all asks' 1 'nothing was removed'
  [[ -d $cache/qemu && -d $tree/build ]] || status=removed
  check 'and removes nothing without an answer' 1
  TANDEM_CACHE=$cache dev clean
  [[ -d $cache/qemu && ! -e $tree/build ]] || status=wrong
  check 'clean removes build/ and no cache' 0
  TANDEM_CACHE=$cache dev clean --all --yes
  [[ ! -e $cache/qemu && -d $cache/mine ]] || status=wrong
  check 'clean --all --yes removes what Tandem put into the cache' 0
}

test_any_folder() {
  ln -s -- "$tree/dev" "$scratch/link"
  status=0
  (cd / && PATH=$scratch/bin "$scratch/link" build) >"$scratch/out" 2>"$scratch/err" || status=$?
  check 'it runs from any folder, and by a link' 0 'built build/default'
}

# On this machine, with nothing replaced.
test_no_network() {
  local name='setup of a machine that has all needs no network'
  status=0
  if ! unshare --net true 2>/dev/null; then skip "$name" 'needs root'; return; fi
  unshare --net "$source_tree/dev" setup >"$scratch/out" 2>"$scratch/err" || status=$?
  check "$name" 0 'nothing is missing'
}

make_machine
make_tree
test_command_line
test_setup
test_build
test_qemu
test_run
test_test
test_bench
test_any_folder
test_clean
test_no_network

printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
((failed == 0))
