#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests of emulated-machine: what there is in the machine, that suites of Tandem pass on it which
# are skipped elsewhere, and that nothing is left. Takes some minutes. Exit code 77 where the kernel
# cannot be had.
#
# usage: emulated-machine_test.sh FOLDER   where the suites were built
set -euo pipefail

suites=$(realpath -- "$1")
machine=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/emulated-machine
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
mkdir "$scratch/share" "$scratch/tmp" "$scratch/empty"
# A folder of its own, so that what is left would be seen.
export TMPDIR=$scratch/tmp
failed=0

check() { # name, command…
  local name=$1
  shift
  if "$@"; then
    printf 'ok - %s\n' "$name"
  else
    printf 'not ok - %s\n' "$name"
    failed=1
  fi
}

says() { grep -F -- "$1" "$scratch/out" >/dev/null; }

leaves_nothing() { [[ -z $(ls -A -- "$scratch/tmp") ]] && ! pgrep -f "local,path=$scratch/tmp" >/dev/null; }

refuses() { # words, argument of emulated-machine…
  local words=$1 status=0
  shift
  "$machine" "$@" >"$scratch/out" 2>&1 || status=$?
  [[ $status == 125 ]] && says "$words"
}

ends_with() { [[ $status == "$1" ]] || { tail -n 50 -- "$scratch/out"; false; }; }

passes() { # test
  says "[       OK ] $1"
}

check 'an unknown option is refused' refuses 'unknown option --what' --what
check 'no command is refused' refuses 'there is no command'
check 'a wrong number is refused' refuses "--cpus needs a number: 'two' is none" --cpus two -- true
check 'a share that is not there is refused' refuses 'no such folder' --share "$scratch/none" -- true
TANDEM_CACHE=$scratch/cache check 'packages that are not there are named' \
  refuses "there is no package linux-image" --prepare --from "$scratch/empty"
rm -rf -- "$scratch/cache"

if ! reason=$("$machine" --prepare 2>&1); then
  printf 'skipped: no machine can be had: %s\n' "$reason"
  exit 77
fi

# Skipped tests say so instead of "OK", so these prove that all is there that they need.
cat >"$scratch/body" <<END_OF_BODY
echo "hello from \$(id -un)"
echo "kept" >"$scratch/share/kept"
echo "lost" >"$scratch/lost"
export TANDEM_ARTIFACTS=/tmp/artifacts TANDEM_ACCEL=tcg
"$suites/memory_test" --gtest_filter='MemoryTest.HugePagesArrive'
"$suites/transport_test" --gtest_filter='*VmSocket/Uri:*RdmaTest.LiveGuestMoves/Ipv4'
export TANDEM_ACCEL=kvm
"$suites/dirty_ring_test" --gtest_filter='*RingTakesThePlaceOfTheLog'
exit 7
END_OF_BODY
status=0
"$machine" --share "$scratch/share" -- bash "$scratch/body" >"$scratch/out" 2>&1 || status=$?
check 'the exit code is that of the command' ends_with 7
check 'the command is run as root' says 'hello from root'
check 'what is written in a share stays' test "$(cat -- "$scratch/share/kept" || true)" == kept
check 'what is written elsewhere is gone' test ! -e "$scratch/lost"
check 'there are huge pages' passes MemoryTest.HugePagesArrive
check 'there are VM sockets' passes Transport/TransportTest.VmSocket/Uri
check 'there is an RDMA link' passes Transport/RdmaTest.LiveGuestMoves/Ipv4
check 'there is KVM, with dirty rings' passes DirtyRingTest.RingTakesThePlaceOfTheLog
check 'nothing is left' leaves_nothing

# The machine has started its command when its first word comes.
mkfifo "$scratch/words"
exec {words}<>"$scratch/words"  # read and write: whoever writes to it always has a reader
"$machine" -- bash -c 'echo started; sleep 1000' >&"$words" 2>&1 &
process=$!
word=''
while [[ $word != started* ]] && read -r -t 600 -u "$words" word; do :; done
kill -TERM "$process"
status=0
wait "$process" || status=$?
check 'SIGTERM ends it' ends_with 143
check 'and leaves nothing' leaves_nothing
[[ $failed == 0 ]]
