# Runs suites on QEMU and says what that proved.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo, preset and say, die, refuse, allow_for_sanitizers: dev

# One COLO and one precopy test, for a first look.
readonly smoke_filter='*ColoFailoverTest.SurvivorTakesOver/PcMultifdSecondaryAtRest:*PrecopyTest.LiveGuestMovesOverUnixSocket/Pc'

# Sets run_filter (empty: the whole COLO suite), run_options and allow_all_skipped.
parse_run() {
  run_filter=
  allow_all_skipped=no
  run_options=()
  while (($#)); do
    case $1 in
      --smoke | --gtest_filter=?* | [!-]*)
        [[ -z $run_filter ]] || refuse "run: '$1' is one filter too many; join filters with ':'"
        run_filter=${1#--gtest_filter=}
        [[ $1 != --smoke ]] || run_filter=$smoke_filter
        ;;
      --allow-all-skipped) allow_all_skipped=yes ;;
      --gtest_*) run_options+=("$1") ;;
      *) refuse "run: unknown argument '$1'; see ./dev run --help" ;;
    esac
    shift
  done
}

run_suites() {
  local -a suites
  choose_suites
  allow_for_sanitizers
  local suite broken='' status lines_before=0
  local results
  results=$(results_file)
  [[ ! -f $results ]] || lines_before=$(wc -l <"$results")
  for suite in "${suites[@]}"; do
    status=0
    run_suite "$suite" || status=$?
    ((status != 2)) || exit 2 # wrong settings: it has said what is wrong
    ((status == 0 || status == 77)) || broken+="${broken:+, }${suite##*/} ended with exit code $status"
  done
  if [[ " ${run_options[*]} " == *' --gtest_list_tests '* ]]; then
    [[ -z $broken ]] || die "$broken"
    return
  fi
  tell_verdict "$results" "$lines_before" "$broken"
}

run_suite() { # suite, option…
  local suite=$1
  shift
  "$suite" ${run_filter:+"--gtest_filter=$run_filter"} "${run_options[@]}" "$@"
}

# Sets `suites`: those that have tests to run.
choose_suites() {
  local suite list
  suites=()
  for suite in "$repo/build/$preset"/suites/*_test; do
    [[ -x $suite && (-n $run_filter || ${suite##*/} == colo_test) ]] || continue
    list=$(run_suite "$suite" --gtest_list_tests) || die "${suite##*/} cannot list its tests: $list"
    ! grep -q '^  ' <<<"$list" || suites+=("$suite")
  done
  ((${#suites[@]})) && return
  [[ -n $run_filter ]] || die "there are no COLO tests in build/$preset/suites"
  refuse "run: no test matches '$run_filter'; ./dev run '*' --gtest_list_tests lists them all"
}

# docs/results.md describes the lines of results.jsonl, one for each test.
tell_verdict() { # results, how many lines are of earlier runs, what went wrong with a suite or nothing
  local results=$1 summary verdict=0
  if [[ -f $results ]]; then summary=$(tail -n "+$(($2 + 1))" -- "$results"); fi
  awk -v allow_all_skipped="$allow_all_skipped" "$summarize" <<<"${summary:-}" >&2 || verdict=1
  [[ ! -f $results ]] || say "evidence: $results has a line for each test"
  [[ -z $3 ]] || die "failed: $3"
  return "$verdict"
}

# shellcheck disable=SC2016  # awk's own variables
readonly summarize='
function text(key) {  # the value of a string member of this line
  if (!match($0, "\"" key "\":\"([^\"\\\\]|\\\\.)*\"")) return ""
  return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}
function versions(  all, part, i, n, list, seen) {  # "11.1.3", or "10.0.13 and 11.1.3"
  if (!match($0, /"versions":\{[^}]*\}/)) return ""
  n = split(substr($0, RSTART + 12, RLENGTH - 13), part, ",")
  for (i = 1; i <= n; i++) {
    sub(/^"[^"]*":"/, "", part[i])
    sub(/[ "].*/, "", part[i])
    if (part[i] != "" && !seen[part[i]]++) list = list (list == "" ? "" : " and ") part[i]
  }
  return list
}
function note(list, word) {  # adds a word to a list that names each once
  if (word == "" || index(", " lists[list] ", ", ", " word ", ")) return
  lists[list] = lists[list] (lists[list] == "" ? "" : ", ") word
}
function count(number, what) { return number " " what (number == 1 ? "" : "s") }
function say(line) { print "[dev] " line }

/^\{/ {
  outcome = text("status")
  outcomes[outcome]++
  results++
  test = text("test")
  if (outcome == "PASSED") {
    note("versions", versions())
    note("accelerators", text("accelerator"))
  }
  if (outcome == "PASSED" && /"takeover_ms":/) {  # measured at a failover only
    failovers++
    note("machines", text("machine_type"))
    sub(/.*\//, "", test)  # leaves the name of the variant
    if (match(test, /Plain|Multifd/)) note("transports", tolower(substr(test, RSTART, RLENGTH)))
    if (match(test, /Primary|Secondary/)) note("survivors", tolower(substr(test, RSTART, RLENGTH)))
    if (test ~ /AtRest$/) note("moments", "at rest")
    if (test ~ /DuringCheckpoint$/) note("moments", "during a checkpoint")
  } else if (outcome == "PASSED" && /"downtime_ms":/) {
    migrations++
  }
  if (outcome == "SKIPPED") note("reasons", text("reason"))
  if (outcome == "KNOWN_DEFECT") shown[text("known_defect")]++
  if (match($0, /"known_defects_not_shown":\[[^]]*\]/)) {
    n = split(substr($0, RSTART + 27, RLENGTH - 28), ids, ",")
    for (i = 1; i <= n; i++) not_shown[substr(ids[i], 2, length(ids[i]) - 2)]++
  }
  if (outcome == "FAILED" && !(test in evidence)) failed[++failures] = test
  if (outcome == "FAILED") evidence[test] = text("artifacts")
}
END {
  say(outcomes["PASSED"] + 0 " passed, " outcomes["FAILED"] + 0 " failed, " outcomes["SKIPPED"] + outcomes["KNOWN_DEFECT"] " skipped")
  where = "on QEMU " (lists["versions"] == "" ? "of unknown version" : lists["versions"]) " (" lists["accelerators"] ")"
  if (failovers) {
    say("proved " where ": " count(failovers, "COLO failover") ", after " (failovers == 1 ? "" : "each of ") "which the survivor ran on")
    say("  with all memory that it sweeps, its registers and its devices as they should be")
    say("  machine types: " lists["machines"] "; transports: " lists["transports"])
    if (lists["survivors"] != "") say("  survivors: " lists["survivors"] "; failed over: " lists["moments"])
  }
  if (migrations) say("proved " where ": " count(migrations, "migration") " with the guest intact on the destination")
  others = outcomes["PASSED"] - failovers - migrations
  if (others > 0) say(count(others, "other test") " passed")
  if (lists["reasons"] != "") say("skipped because: " lists["reasons"])
  for (id in shown) say("known defect of QEMU " id ": ended " count(shown[id], "test") "; docs/known-defects.md says what it is")
  for (id in not_shown) say("known defect of QEMU " id ": did not show in " count(not_shown[id], "test"))
  for (i = 1; i <= failures; i++) {
    test = failed[i]
    say("failed: " test (evidence[test] == "" ? "" : "; see " evidence[test]))
  }
  if (!outcomes["PASSED"]) say("nothing was proved")
  exit (!outcomes["PASSED"] && (allow_all_skipped != "yes" || !results)) || outcomes["FAILED"]
}'
