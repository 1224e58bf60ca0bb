# Which QEMU is tested: the one that the environment names, else the default one, fetched.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo, preset and die: dev

readonly default_qemu=11.1

# Tests run in folders of their own, so paths that start here are written out.
bring_qemu() {
  local variable
  for variable in TANDEM_CACHE TANDEM_ARTIFACTS TANDEM_GUEST_IMAGES TANDEM_KNOWN_DEFECTS; do
    [[ -z ${!variable:-} || ${!variable} == /* || $variable=${!variable} == TANDEM_KNOWN_DEFECTS=none ]] || export "$variable=$PWD/${!variable}"
  done
  for variable in {TANDEM_QEMU,QTEST_QEMU_BINARY}{,_SRC,_DST}; do
    [[ -z ${!variable:-} ]] || check_named_qemu "$variable"
  done
  is_qemu_named || "$repo/tools/fetch-qemu" "$default_qemu" >/dev/null ||
    die "there is no QEMU $default_qemu to test; to test one of your own, set TANDEM_QEMU to it"
}

is_qemu_named() { # for both sides
  [[ -n ${TANDEM_QEMU:-${QTEST_QEMU_BINARY:-}} ]] ||
    [[ -n ${TANDEM_QEMU_SRC:-${QTEST_QEMU_BINARY_SRC:-}} && -n ${TANDEM_QEMU_DST:-${QTEST_QEMU_BINARY_DST:-}} ]]
}

# The tests check this and more, but only after the build. A wrapper may stand in front of the
# binary; a value with quotes is left to the tests to understand.
check_named_qemu() { # variable
  local value=${!1} wrapper=''
  [[ $value != *[\'\"\\]* ]] || return 0
  local program=$value
  [[ -e $value || $value != *' '* ]] || program=${value##* } wrapper="${value% *} "
  if [[ ! -f $program || ! -x $program ]] && ! type -P -- "$program" >/dev/null; then
    [[ -e $program ]] || die "$1=$value: there is no \"$program\"; name a qemu-system binary"
    die "$1=$value: \"$program\" is not an executable file; name a qemu-system binary"
  fi
  [[ $program != */* || $program == /* ]] || export "$1=$wrapper$PWD/$program"
}

# Sanitizers slow the tests' own process down.
allow_for_sanitizers() {
  case $preset in
    asan | tsan) export TANDEM_TIMEOUT_FACTOR=${TANDEM_TIMEOUT_FACTOR:-3} ;;
  esac
}
