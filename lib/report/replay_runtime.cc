// SPDX-License-Identifier: Apache-2.0
#include "lib/report/replay_runtime.h"

namespace tandem {

// QMP runs over stdin (a FIFO that QEMU itself keeps open) and stdout (the log). The script looks
// for news in the logs every 10 ms; it is a tool of its own, without Tandem's I/O thread.
const std::string_view kReplayRuntime = R"bash(
kill_at_end=
for option; do
  case $option in
    --kill) kill_at_end=yes ;;
    *) echo "usage: $0 [--kill]   (see the comment at its beginning)" >&2; exit 2 ;;
  esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/tandem-replay-XXXXXX") || exit 1
roles=()
declare -A pid qmp_in qmp_out partial answer address_answer events

say() { printf 'reproduce.sh: %s\n' "$*" >&2; }

is_running() { kill -0 "${pid[$1]}" 2>/dev/null; }

at_exit() {
  local role
  for role in "${roles[@]}"; do
    is_running "$role" || continue
    if [[ $kill_at_end ]]; then
      kill -KILL "${pid[$role]}"
      wait "${pid[$role]}" 2>/dev/null
    else
      say "$role still runs with pid ${pid[$role]} and hears QMP on $work/$role.qmp.in"
    fi
  done
  say "QMP answers, consoles and stderr are in $work"
}
trap at_exit EXIT
trap 'kill_at_end=yes; exit 130' INT TERM

give_up() {
  local log
  say "$*"
  for log in "$work"/*.qmp.log "$work"/*.stderr.log; do
    [[ ! -s $log ]] || { say "the end of $log:"; tail -n 5 "$log" >&2; }
  done
  exit 1
}

cannot_replay() {
  say "cannot go on: $*"
  exit 3
}

start() {
  local role=$1 variable=$2 program=() fd
  shift 2
  while [[ $1 != -- ]]; do program+=("$1"); shift; done
  shift
  if [[ -e ${!variable:-} ]]; then
    program=("${!variable}")
  elif [[ ${!variable:-} ]]; then
    read -ra program <<<"${!variable}"
  fi
  mkfifo "$work/$role.qmp.in" && : >"$work/$role.qmp.log" || exit 1
  exec {fd}<>"$work/$role.qmp.in"
  qmp_in[$role]=$fd
  exec {fd}<"$work/$role.qmp.log"
  qmp_out[$role]=$fd
  "${program[@]}" "$@" <>"$work/$role.qmp.in" >>"$work/$role.qmp.log" 2>"$work/$role.stderr.log" &
  pid[$role]=$!
  partial[$role]=
  roles+=("$role")
}

send() { printf '%s\n' "$2" >&"${qmp_in[$1]}"; }

signal() { kill "-$2" "${pid[$1]}" 2>/dev/null || say "no SIG$2 for $1: it has ended before"; }

pause() { sleep "$1"; }

take_answer() {
  local key
  [[ $2 =~ ^\{\"id\":\ ([0-9]+), || $2 =~ \"id\":\ ([0-9]+)\}$ ]] || return 0
  key=$1:${BASH_REMATCH[1]}
  answer[$key]="return"
  if [[ $2 =~ ^\{(\"id\":\ [0-9]+,\ )?\"error\" ]]; then answer[$key]="error"; fi
  if [[ $2 == *'"socket-address"'* ]]; then address_answer[$key]=$2; fi
}

take_event() {
  local key
  [[ $2 =~ \"event\":\ \"([A-Z0-9_]+)\" ]] || return 0
  key=$1:${BASH_REMATCH[1]}
  if [[ $key == *:MIGRATION && $2 =~ \"status\":\ \"([a-z-]+)\" ]]; then
    key+=" ${BASH_REMATCH[1]}"
  fi
  events[$key]=$((${events[$key]:-0} + 1))
}

take() {
  case $2 in
    '{"QMP"'*) answer[$1:greeting]="return" ;;
    '{"return"'* | '{"id"'* | '{"error"'*) take_answer "$@" ;;
    '{'*) take_event "$@" ;;
  esac
}

look() {
  local role line
  for role in "${roles[@]}"; do
    while IFS= read -r line <&"${qmp_out[$role]}"; do
      line=${partial[$role]}$line
      partial[$role]=
      take "$role" "${line%$'\r'}"
    done
    partial[$role]+=$line
  done
}

await() {
  local role=$1 what=$2 end=$((SECONDS + timeout + 1)) running
  shift 2
  while true; do
    running=
    if is_running "$role"; then running=yes; fi
    look
    if "$@"; then return; fi
    [[ $running ]] || give_up "$role ended before $what"
    ((SECONDS < end)) || give_up "$role: not within $timeout s: $what"
    sleep 0.01
  done
}

has_answer() { [[ ${answer[$1:$2]:-} ]]; }
has_events() { ((${events[$1:$2]:-0} >= $3)); }
has_printed() { [[ -s $work/$1.serial.log ]]; }
has_ended() { ! is_running "$1"; }

answered() {
  await "$1" "the answer $2" has_answer "$1" "$2"
  [[ ${answer[$1:$2]} == "$3" ]] ||
    say "$1 answers command $2 with ${answer[$1:$2]}; in the recording it was $3"
}

happened() { await "$1" "event $2 number $3" has_events "$1" "$2" "$3"; }
printed() { await "$1" "the first byte on the console" has_printed "$1"; }
ended() { await "$1" "its end" has_ended "$1"; }

port_from() {
  [[ ${address_answer[$2:$3]:-} =~ \"port\":\ \"([0-9]+)\" ]] ||
    give_up "$2 names no port in answer $3"
  printf -v "$1" '%s' "${BASH_REMATCH[1]}"
}
)bash";

}  // namespace tandem
