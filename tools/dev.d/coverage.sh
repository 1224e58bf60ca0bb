# Which scenarios the tests cover, and what of QEMU's abilities no test touched.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo, preset, default_qemu and say, die, refuse: dev

# Where the tests of this tree write their results (docs/results.md).
results_file() { printf '%s\n' "${TANDEM_ARTIFACTS:-$repo/build/$preset/suites/artifacts}/results.jsonl"; }

# The QEMU that was tested on both sides; fails when there were two.
tested_qemu() {
  if [[ -n ${TANDEM_QEMU:-${QTEST_QEMU_BINARY:-}} ]]; then
    printf '%s\n' "${TANDEM_QEMU:-$QTEST_QEMU_BINARY}"
  else
    ! is_qemu_named && "$repo/tools/fetch-qemu" "$default_qemu"
  fi
}

tell_coverage() { # option of tandem-coverage…
  (cd -- "$repo" && "build/$preset/tools/coverage/tandem-coverage" "$@" "build/$preset/suites/"*_test)
}

# After a run of all tests: docs/coverage.md with that run, in the build folder. What the user's own
# QEMU lacks has been skipped with its reason; the decisions are made for the default one.
check_coverage() { # results, how many lines are of earlier runs
  local folder=$repo/build/$preset/coverage qemu
  [[ -f $1 ]] && qemu=$(tested_qemu) || return 0
  mkdir -p -- "$folder"
  tail -n "+$(($2 + 1))" -- "$1" >"$folder/results.jsonl"
  local -a tell=(tell_coverage --results="$folder/results.jsonl" --qemu="$qemu" --output="$folder/coverage.md")
  if is_qemu_named; then
    "${tell[@]}" 2>/dev/null || true
  else
    "${tell[@]}"
  fi
}

command_coverage() {
  (($# <= 1)) || refuse "coverage: too many arguments, '$2' and on; see ./dev coverage --help"
  [[ ${1:-} != -* ]] || refuse "coverage: unknown option '$1'; see ./dev coverage --help"
  local results=${1:-} qemu
  [[ -z $results || $results == /* ]] || results=$PWD/$results
  bring_qemu
  build
  if [[ -n $results ]]; then
    qemu=$(tested_qemu) || die "coverage: name one QEMU for both sides"
    tell_coverage --output=docs/coverage.md --results="$results" --qemu="$qemu" || exit
  else
    tell_coverage --output=docs/coverage.md || exit
  fi
  say "wrote docs/coverage.md"
}
