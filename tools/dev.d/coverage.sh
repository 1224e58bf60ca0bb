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

# The same with the results of a run. The decisions were made for the default QEMU; one that was named
# may also lack what its own schema does not have.
tell_coverage_of_run() { # results, QEMU, option…
  local -a run=(--results="$1" --qemu="$2")
  ! is_qemu_named || run+=(--other_qemu)
  tell_coverage "${run[@]}" "${@:3}"
}

# After a run of all tests: docs/coverage.md with that run, in the build folder.
check_coverage() { # results, how many lines are of earlier runs
  local folder=$repo/build/$preset/coverage qemu
  [[ -f $1 ]] && qemu=$(tested_qemu) || return 0
  mkdir -p -- "$folder"
  tail -n "+$(($2 + 1))" -- "$1" >"$folder/results.jsonl"
  tell_coverage_of_run "$folder/results.jsonl" "$qemu" --output="$folder/coverage.md"
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
    tell_coverage_of_run "$results" "$qemu" --output=docs/coverage.md || exit
  else
    tell_coverage --output=docs/coverage.md || exit
  fi
  say "wrote docs/coverage.md"
}
