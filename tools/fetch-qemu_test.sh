#!/usr/bin/env bash
# Tests of fetch-qemu. Prints "ok - …", "not ok - …" or "skipped - …" for each.
#
# Most of it needs no network: a small program that answers as QEMU does, this machine's own
# libc and a key made here become the packages and the signed mirror of a distribution. The rest
# fetches the real releases into the real cache, and is skipped where no mirror is reached.
set -euo pipefail
export LC_ALL=C

tools=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
fetch=$tools/fetch-qemu
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
real_cache=${TANDEM_CACHE:-${HOME:-}/.cache/tandem}
unset TANDEM_CACHE TANDEM_APT_MIRROR TANDEM_APT_KEYRING QEMU_MODULE_DIR
passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); printf 'ok - %s\n' "$1"; }
skip() { skipped=$((skipped + 1)); printf 'skipped - %s: %s\n' "$1" "$2"; }
not_ok() {
  failed=$((failed + 1))
  printf 'not ok - %s\n' "$1"
  sed 's/^/    /' -- "$scratch/out" "$scratch/err"
}

check() { # name, command…
  local name=$1
  shift
  if "$@"; then ok "$name"; else not_ok "$name"; fi
}

run() { # command…; leaves status, out and err
  status=0
  "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
}

# The error must name the remedy, and standard output must stay empty for the scripts.
refuses() { # words of the message
  [[ $status == 1 && ! -s $scratch/out ]] && grep -F -- "$1" "$scratch/err" >/dev/null
}

new_cache() {
  export TANDEM_CACHE=$scratch/cache.$((++caches))
}
caches=0

prints_working_qemu() { # version
  [[ $status == 0 ]] && [[ $(<"$scratch/out") == "$(readlink -f "$TANDEM_CACHE")/qemu/$1/bin/qemu-system-x86_64" ]] &&
    [[ $("$(<"$scratch/out")" --version) == "QEMU emulator version $1"* ]]
}

leaves_nothing() { [[ -z $(find "$TANDEM_CACHE" -name '.work.*') ]]; }

both() { # two commands of one word each with their arguments, separated by 'and'
  local -a first=()
  while [[ $1 != and ]]; do first+=("$1"); shift; done
  shift
  "${first[@]}" && "$@"
}

# A folder to put before PATH, in which a program is replaced by a few lines of shell.
shim() { # program, body
  rm -rf -- "$scratch/shim"
  mkdir -p -- "$scratch/shim"
  printf '#!/usr/bin/env bash\nreal=%q\n%s\n' "$(command -v "$1")" "$2" >"$scratch/shim/$1"
  chmod +x "$scratch/shim/$1"
}
with_shim() { env PATH="$scratch/shim:$PATH" "$@"; }

# --- a distribution of our own -------------------------------------------------------------

make_package() { # folder with content, name, version, depends, where to
  mkdir -p -- "$1/DEBIAN"
  printf '%s\n' "Package: $2" "Version: $3" 'Architecture: amd64' 'Maintainer: nobody <nobody@localhost>' \
    ${4:+"Depends: $4"} 'Description: a package for a test' >"$1/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$1" "$5/$2_${3//:/%3a}_amd64.deb" >/dev/null
}

compile_qemu() { # version, where to
  mkdir -p -- "$(dirname -- "$2")"
  cc -x c -O0 -o "$2" - <<END
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char self[4096] = "";
  char *slash;
  if (readlink("/proc/self/exe", self, sizeof self - 64) < 0) return 1;
  slash = strrchr(self, '/');
  if (slash != NULL) *slash = 0;
  strcat(self, "/qemu-bundle/usr/share/qemu");
  if (argc > 1 && strcmp(argv[1], "-L") == 0) puts(access(self, R_OK) == 0 ? self : "/usr/share/qemu");
  else puts("QEMU emulator version $1 (of a test)");
  return 0;
}
END
}

make_libc_package() { # where to
  local content=$scratch/content/libc library
  mkdir -p -- "$content/lib/x86_64-linux-gnu"
  for library in libc.so.6 libm.so.6 ld-linux-x86-64.so.2; do
    cp -L -- "$(cc -print-file-name="$library")" "$content/lib/x86_64-linux-gnu/"
  done
  make_package "$content" libc6 2.0 '' "$1"
}

make_patchelf_package() { # where to
  local content=$scratch/content/patchelf library
  mkdir -p -- "$content/usr/bin" "$content/usr/lib/x86_64-linux-gnu"
  cp -L -- "$(command -v patchelf)" "$content/usr/bin/patchelf"
  for library in libstdc++.so.6 libgcc_s.so.1; do
    cp -L -- "$(cc -print-file-name="$library")" "$content/usr/lib/x86_64-linux-gnu/"
  done
  make_package "$content" patchelf 1.0 libc6 "$1"
}

make_qemu_packages() { # version of QEMU, of the packages, where to
  local content=$scratch/content/qemu
  rm -rf -- "$content" "$content-utils"
  compile_qemu "$1" "$content/usr/bin/qemu-system-x86_64"
  mkdir -p -- "$content/usr/share/qemu"
  : >"$content/usr/share/qemu/firmware.bin"
  mkdir -p -- "$content-utils/usr/bin"
  cp -- "$content/usr/bin/qemu-system-x86_64" "$content-utils/usr/bin/qemu-img"
  make_package "$content" qemu-system-x86 "$2" libc6 "$3"
  make_package "$content-utils" qemu-utils "$2" libc6 "$3"
}

make_key() {
  export GNUPGHOME=$scratch/gnupg
  mkdir -m 700 -- "$GNUPGHOME"
  gpg --batch --quiet --passphrase '' --quick-generate-key 'test <nobody@localhost>' ed25519 sign never 2>/dev/null
  gpg --batch --export >"$scratch/keyring.gpg"
  : >"$scratch/empty-keyring.gpg"
}

# Writes the index of a mirror and signs it.
index_mirror() { # mirror, suite, folder with packages
  local mirror=$1 suite=$2 package index=dists/$2/main/binary-amd64
  rm -rf -- "$mirror/pool/$suite"
  mkdir -p -- "$mirror/$index" "$mirror/pool/$suite"
  cp -- "$3"/*.deb "$mirror/pool/$suite/"
  for package in "$mirror/pool/$suite"/*.deb; do
    dpkg-deb --field "$package"
    printf '%s\n' "Filename: pool/$suite/$(basename -- "$package")" "Size: $(stat -c %s -- "$package")" \
      "SHA256: $(sha256sum <"$package" | cut -d ' ' -f 1)" ''
  done >"$mirror/$index/Packages"
  {
    printf '%s\n' 'Origin: Debian' 'Label: Debian' "Suite: $suite" "Codename: $suite" \
      "Date: $(date -uR)" 'Architectures: amd64' 'Components: main' 'SHA256:'
    printf ' %s %s main/binary-amd64/Packages\n' "$(sha256sum <"$mirror/$index/Packages" | cut -d ' ' -f 1)" \
      "$(stat -c %s -- "$mirror/$index/Packages")"
  } >"$mirror/dists/$suite/Release"
  gpg --batch --quiet --yes --clearsign --output "$mirror/dists/$suite/InRelease" "$mirror/dists/$suite/Release"
}

# --- tests that need no packages -----------------------------------------------------------

test_arguments() {
  new_cache
  run "$fetch" 9.9
  check 'an unknown version is refused, with those that are known' refuses 'QEMU 9.9 is unknown; known: 7.2, 10.0, 11.1'
  run "$fetch" eleven
  check 'a word that is no version is refused' refuses "'eleven' is not a version of QEMU; known: 7.2, 10.0, 11.1"
  run "$fetch" --from
  check '--from without a folder is refused' refuses '--from needs a folder'
  run "$fetch" --help
  check '--help tells how to use it' grep -F 'usage: fetch-qemu' "$scratch/out" -q
  run "$fetch" --from "$scratch/nowhere"
  check '--from a folder that is not there is refused' refuses "--from $scratch/nowhere: no such folder"
  mkdir -p -- "$scratch/empty"
  run "$fetch" --from "$scratch/empty"
  check '--from an empty folder is refused' refuses 'there are no .deb packages in it'
}

test_cache_folder() {
  TANDEM_CACHE=/proc/nowhere run "$fetch" 11.1
  check 'a cache that cannot be made is refused' refuses 'cannot make the cache folder /proc/nowhere/qemu'

  new_cache
  if ((UID == 0)); then
    mkdir -p -- "$TANDEM_CACHE/qemu"
    chmod 755 "$scratch"
    run setpriv --reuid=65534 --regid=65534 --clear-groups bash "$fetch" 11.1
    check 'a cache that cannot be written to is refused' refuses "cannot write to the cache folder $TANDEM_CACHE/qemu"
  else
    mkdir -p -- "$TANDEM_CACHE/qemu"
    chmod 555 "$TANDEM_CACHE/qemu"
    run "$fetch" 11.1
    check 'a cache that cannot be written to is refused' refuses "cannot write to the cache folder $TANDEM_CACHE/qemu"
  fi
}

test_no_space() {
  local name='a full disk is noticed before anything is fetched'
  new_cache
  # shellcheck disable=SC2016  # for the inner shell
  run unshare --mount bash -c 'mkdir -p "$1" && mount -t tmpfs -o size=8m tmpfs "$1" && TANDEM_CACHE=$1 exec "$2" 11.1' \
    - "$scratch/small" "$fetch"
  if grep -q '^unshare:\|^mount:' "$scratch/err"; then skip "$name" 'needs root'; return; fi
  check "$name" refuses 'MB free, a fetch needs'
}

test_foreign_systems() {
  new_cache
  # shellcheck disable=SC2016  # for the shim
  shim apt-get '[[ $1 != indextargets ]] || { echo "Ubuntu|Ubuntu|noble|http://mirror.invalid/|main"; exit; }'
  run with_shim "$fetch" 11.1
  check 'an apt of another distribution leads to TANDEM_QEMU' refuses 'not set up for Debian but for: Ubuntu noble; set TANDEM_QEMU'

  # All that the script needs, save apt-get.
  local program
  rm -rf -- "$scratch/no-apt"
  mkdir -- "$scratch/no-apt"
  for program in bash readlink dirname awk mkdir flock rm dpkg-deb tar sed; do
    ln -s -- "$(command -v "$program")" "$scratch/no-apt/"
  done
  run env PATH="$scratch/no-apt" bash "$fetch" 11.1
  check 'no apt at all leads to TANDEM_QEMU' refuses 'there is no apt here'
  rm -- "$scratch/no-apt/flock"
  run env PATH="$scratch/no-apt" bash "$fetch" 11.1
  check 'a missing tool is named with its package' refuses 'flock is missing: install the package util-linux'
}

# --- tests with packages brought by hand ---------------------------------------------------

test_from() {
  new_cache
  run "$fetch" --from "$packages"
  check '--from installs a QEMU that runs' both prints_working_qemu 11.1.9 and leaves_nothing
  check '--from says where QEMU is' grep -F "QEMU 11.1.9 is in $TANDEM_CACHE/qemu/11.1.9" "$scratch/err" -q
  check 'the series is a link to the exact version' test "$(readlink "$TANDEM_CACHE/qemu/11.1")" = 11.1.9
  # shellcheck disable=SC2016  # $ORIGIN is the loader's variable
  check 'the program names its libraries by DT_RPATH, relative to itself' \
    test "$(readelf -d "$TANDEM_CACHE/qemu/11.1/bin/qemu-system-x86_64" | grep -c '(RPATH).*\[$ORIGIN/../lib/x86_64-linux-gnu\]')" = 1
  run "$TANDEM_CACHE/qemu/11.1/bin/qemu-system-x86_64" -L help
  check 'its firmware is in its own folder' test "$(<"$scratch/out")" = "$TANDEM_CACHE/qemu/11.1.9/bin/qemu-bundle/usr/share/qemu"

  shim apt-get 'echo "apt-get was called" >&2; exit 1'
  run with_shim "$fetch" --quiet 11.1
  check 'a second run asks nobody and says only the path' both prints_working_qemu 11.1.9 and test ! -s "$scratch/err"
  run with_shim "$fetch" 11.1.9
  check 'an exact version is found again' prints_working_qemu 11.1.9
  run "$fetch" --from "$packages" 10.0
  check '--from packages of another version is refused' refuses 'the packages in it are of QEMU 11.1.9, not 10.0'

  new_cache
  run "$fetch" --quiet --from "$packages"
  check '--quiet says nothing but the path' both prints_working_qemu 11.1.9 and test ! -s "$scratch/err"

  cp -r -- "$packages" "$scratch/corrupted"
  printf 'damaged' | dd of="$(compgen -G "$scratch/corrupted/qemu-system-x86_*")" bs=1 seek=3000 conv=notrunc status=none
  new_cache
  run "$fetch" --from "$scratch/corrupted"
  check '--from a damaged package is refused by its name' both refuses "$scratch/corrupted/qemu-system-x86_" and leaves_nothing
  check 'nothing is left of it' test -z "$(find "$TANDEM_CACHE/qemu" -mindepth 1 ! -name .lock)"

  cp -r -- "$packages" "$scratch/no-libc"
  rm -- "$scratch/no-libc"/libc6_*
  run "$fetch" --from "$scratch/no-libc"
  check '--from packages without libc is refused' refuses 'the packages have no libc'

  cp -r -- "$packages" "$scratch/lacking"
  rm -- "$scratch/lacking"/libc6_*
  rm -- "$scratch/content/libc/lib/x86_64-linux-gnu/libm.so.6"
  make_package "$scratch/content/libc" libc6 2.0 '' "$scratch/lacking"
  compile_qemu 11.1.9 "$scratch/content/qemu/usr/bin/qemu-system-x86_64"
  patchelf --add-needed libm.so.6 "$scratch/content/qemu/usr/bin/qemu-system-x86_64"
  make_package "$scratch/content/qemu" qemu-system-x86 2.0 '' "$scratch/lacking"
  rm -- "$scratch"/lacking/qemu-system-x86_1* "$scratch"/lacking/patchelf_*
  run "$fetch" --from "$scratch/lacking"
  check 'a library that only the system has is missed' refuses 'the packages lack libraries of qemu-system-x86_64'
}

test_moved_cache() {
  new_cache
  run "$fetch" --from "$packages"
  local old=$TANDEM_CACHE
  new_cache
  mv -- "$old" "$TANDEM_CACHE"
  run "$TANDEM_CACHE/qemu/11.1/bin/qemu-system-x86_64" --version
  check 'a moved QEMU does not run by itself' test "$status" = 127
  shim apt-get 'echo "apt-get was called" >&2; exit 1'
  run with_shim env PATH="$scratch/shim:$PATH" "$fetch" 11.1
  check 'a moved cache is repaired with no network' both prints_working_qemu 11.1.9 and leaves_nothing
  run with_shim "$fetch" 11.1
  check 'once repaired it is left alone' both prints_working_qemu 11.1.9 and test ! -s "$scratch/err"

  old=$TANDEM_CACHE
  export TANDEM_CACHE="$scratch/a copy"
  cp -a -- "$old" "$TANDEM_CACHE"
  run "$fetch" 11.1
  check 'a copy runs with its own loader, and may have a space in its path' \
    both prints_working_qemu 11.1.9 and grep -aqF "$TANDEM_CACHE/qemu/11.1.9/lib/x86_64-linux-gnu/ld-linux" "$TANDEM_CACHE/qemu/11.1/bin/qemu-img"
}

# Kills at every file that is moved into place, the steps that could be seen from outside.
test_killed() {
  local moment=0 trouble='' seen=0
  # shellcheck disable=SC2016  # for the shim
  shim mv 'count=$(($(<"$MOMENT_FILE") - 1)); echo "$count" >"$MOMENT_FILE"
((count > 0)) || { ((count < 0)) || kill -KILL 0; }
exec "$real" "$@"'
  export MOMENT_FILE=$scratch/moment
  for ((moment = 1; moment < 40; moment++)); do
    new_cache
    echo "$moment" >"$MOMENT_FILE"
    run with_shim setsid --wait "$fetch" --from "$packages"
    ((status != 0)) || break
    seen=$((seen + 1))
    if [[ -e $TANDEM_CACHE/qemu/11.1.9 ]]; then
      run "$fetch" 11.1.9
      prints_working_qemu 11.1.9 || trouble+=" $moment: a folder that is not whole was taken for one;"
    fi
    run "$fetch" --from "$packages"
    prints_working_qemu 11.1.9 && leaves_nothing || trouble+=" $moment: the next run did not repair it;"
    [[ $(readlink "$TANDEM_CACHE/qemu/11.1") == 11.1.9 ]] || trouble+=" $moment: no link;"
  done
  printf '%s' "$trouble" >"$scratch/err"
  check "killed at any of $seen moments, the next run makes it whole" test "$seen" -ge 10 -a -z "$trouble"

  new_cache
  mkdir -p -- "$TANDEM_CACHE/qemu/11.1.9/bin"
  printf '#!/bin/sh\n' >"$TANDEM_CACHE/qemu/11.1.9/bin/qemu-system-x86_64"
  ln -s 11.1.9 "$TANDEM_CACHE/qemu/11.1"
  TANDEM_APT_MIRROR=file:$scratch/nowhere run "$fetch" 11.1
  check 'a folder without the stamp is not taken for whole' refuses 'bring packages with --from'
  run "$fetch" --from "$packages"
  check 'and is replaced' prints_working_qemu 11.1.9
}

# The first is held in the middle until the second has said its first line.
test_two_at_once() {
  new_cache
  local first second line
  export HELD=$scratch/held
  mkdir -- "$HELD"
  mkfifo -- "$HELD/reached" "$HELD/go" "$HELD/second"
  # shellcheck disable=SC2016  # for the shim
  shim dpkg-deb '! rmdir "$HELD/once" 2>/dev/null || { echo >"$HELD/reached"; read -r <"$HELD/go"; }
exec "$real" "$@"'
  mkdir -- "$HELD/once"
  with_shim "$fetch" --from "$packages" >"$scratch/first" 2>&1 & first=$!
  read -r line <"$HELD/reached"
  "$fetch" --from "$packages" >"$scratch/second" 2>"$HELD/second" & second=$!
  exec {says}<"$HELD/second"
  read -r -t 60 line <&"$says" || line=nothing
  echo >"$HELD/go"
  status=0
  wait "$first" || status=$?
  wait "$second" || status=$?
  cat -- "$scratch/first" - <&"$says" >"$scratch/err"
  exec {says}<&-
  grep -h '^/' "$scratch/first" "$scratch/second" | sort -u >"$scratch/out"
  check 'two fetches at the same time do not hurt' both prints_working_qemu 11.1.9 and leaves_nothing
  check 'the second says that it waits' test "$line" = "fetch-qemu: another fetch-qemu is at work in $TANDEM_CACHE/qemu: waiting for it"
}

# --- tests with a mirror of our own --------------------------------------------------------

test_mirror() {
  local mirror=$scratch/mirror
  export TANDEM_APT_KEYRING=$scratch/keyring.gpg TANDEM_APT_MIRROR=file:$mirror
  index_mirror "$mirror" trixie "$packages"
  index_mirror "$mirror" trixie-backports "$packages"
  new_cache
  run "$fetch"
  check 'the default series comes from the mirror' both prints_working_qemu 11.1.9 and leaves_nothing
  check 'it says what came from where' grep -F 'QEMU 1:11.1.9+ds-1 from trixie-backports: 4 packages' "$scratch/err" -q
  check 'the packages are listed beside QEMU' grep -Fx 'qemu-system-x86=1:11.1.9+ds-1' "$TANDEM_CACHE/qemu/11.1/packages" -q

  TANDEM_APT_MIRROR=file:$scratch/nowhere run "$fetch" 11.1
  check 'a second run needs no mirror' prints_working_qemu 11.1.9
  run "$fetch" --update 11.1
  check '--update fetches nothing when there is nothing newer' both prints_working_qemu 11.1.9 and grep -F 'is the newest of trixie-backports' "$scratch/err" -q
  run "$fetch" 11.1.3
  check 'an exact version that is gone is refused, with the one that the mirror has' refuses 'QEMU 11.1.3 is gone from trixie-backports: 11.1.9 came instead'
  run "$fetch" 10.0
  check 'a series that the suite no longer has is refused' refuses 'QEMU 10.0 is gone from trixie, which has 1:11.1.9+ds-1 now'
  run "$fetch" 7.2
  check 'a suite that the mirror does not have is named' refuses 'the suite is unknown at file:'
  run "$fetch" --list
  check '--list shows what is installed and available' grep -E '^11\.1 +trixie-backports +11\.1\.9 +1:11\.1\.9' "$scratch/out" -q
  check '--list goes on where a suite is missing' grep -E '^7\.2 +bookworm +- +\?' "$scratch/out" -q

  if ((UID == 0)); then
    new_cache
    chmod 755 "$scratch"
    install -d -o 65534 -g 65534 -- "$TANDEM_CACHE"
    run setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent bash "$fetch" 11.1
    check 'it needs no root' prints_working_qemu 11.1.9
  else
    ok 'it needs no root: this test runs without'
  fi

  new_cache
  TANDEM_APT_KEYRING=$scratch/empty-keyring.gpg run "$fetch" 11.1
  check 'a mirror signed by an unknown key is refused' both refuses 'signature of' and leaves_nothing
  TANDEM_APT_KEYRING=$scratch/no-keyring.gpg run "$fetch" 11.1
  check 'a missing keyring is named' refuses 'install the package debian-archive-keyring'
  TANDEM_APT_MIRROR=http://127.0.0.1:1/ run "$fetch" 11.1
  check 'no network is told so' refuses 'cannot be reached: check the network'

  make_qemu_packages 11.1.10 '1:11.1.10+ds-1' "$scratch/newer"
  cp -- "$packages"/libc6_* "$packages"/patchelf_* "$scratch/newer/"
  index_mirror "$mirror" trixie-backports "$scratch/newer"
  export TANDEM_CACHE=$scratch/cache.$((caches - 1))
  ((UID == 0)) || new_cache
  run "$fetch" --update 11.1
  check '--update fetches what is newer' both prints_working_qemu 11.1.10 and test "$(readlink "$TANDEM_CACHE/qemu/11.1")" = 11.1.10

  new_cache
  printf 'damaged' | dd of="$(compgen -G "$mirror/pool/trixie-backports/qemu-system-x86_*")" bs=1 seek=3000 conv=notrunc status=none
  run "$fetch" 11.1
  check 'a package other than the signed one is refused' both refuses 'files other than those it has signed' and leaves_nothing
  sed -i 's/^Label: .*/Label: Forged/' "$mirror/dists/trixie-backports/InRelease"
  run "$fetch" 11.1
  check 'an index changed after it was signed is refused' refuses 'signature of'
  unset TANDEM_APT_KEYRING TANDEM_APT_MIRROR
}

# --- tests with the real releases ----------------------------------------------------------

# Answers with its types, then quits; an abort shows in the status.
list_types() { # qemu
  printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"qom-list-types"}' '{"execute":"quit"}' |
    timeout 60 "$1" -machine none -S -display none -nodefaults -qmp stdio
}

lists_devices_and_types() { # qemu
  "$1" -device help >"$scratch/out" 2>"$scratch/err" && grep -q 'virtio-gpu-pci' "$scratch/out" &&
    list_types "$1" >"$scratch/out" 2>"$scratch/err" && grep -q '"virtio-gpu-pci"' "$scratch/out" &&
    ! grep -iE 'failed to (open|initialize) module' "$scratch/err"
}

opens_only_its_own() { # folder of a release
  # shellcheck disable=SC2086
  timeout 60 strace -f -e trace=openat -o "$scratch/trace" "$1/bin/qemu-system-x86_64" \
    -machine pc -S -display none -qmp stdio <<<'{"execute":"qmp_capabilities"} {"execute":"qom-list-types"} {"execute":"quit"}' \
    >"$scratch/out" 2>"$scratch/err" || return
  grep -F 'bios-256k.bin' "$scratch/trace" | grep -F "\"$1/" >/dev/null &&
    ! grep -E '"/(usr|lib|lib64)/' "$scratch/trace" >"$scratch/err"
}

runs_under_gdb() { # qemu
  timeout 60 gdb -batch -ex run --args "$1" -machine pc -S -display none -nodefaults -qmp stdio \
    <<<'{"execute":"qmp_capabilities"} {"execute":"quit"}' >"$scratch/out" 2>"$scratch/err" || return
  grep -F 'exited normally' "$scratch/out" >/dev/null
}

runs_under_valgrind() { # folder of a release
  timeout 60 valgrind --quiet "$1/bin/qemu-img" --version >"$scratch/out" 2>"$scratch/err" || return
  grep -F 'qemu-img version' "$scratch/out" >/dev/null
}

test_real_release() { # series
  local tree
  tree=$(readlink -f -- "$TANDEM_CACHE/qemu/$1")
  check "$1 lists its devices and types" lists_devices_and_types "$tree/bin/qemu-system-x86_64"
  if command -v strace >/dev/null; then
    check "$1 opens neither modules nor firmware nor libraries of the system" opens_only_its_own "$tree"
  else
    skip "$1 opens nothing of the system" 'strace is not installed'
  fi
  if command -v gdb >/dev/null; then
    check "$1 runs under gdb" runs_under_gdb "$tree/bin/qemu-system-x86_64"
  else
    skip "$1 runs under gdb" 'gdb is not installed'
  fi
  if command -v valgrind >/dev/null; then
    check "$1 runs under valgrind" runs_under_valgrind "$tree"
  else
    skip "$1 runs under valgrind" 'valgrind is not installed'
  fi
  run "$tree/bin/qemu-img" create -f qcow2 "$scratch/disk.$1.qcow2" 1M
  check "$1 has a qemu-img that works" test "$status" = 0
  # shellcheck disable=SC2016  # $1 is of the inner shell
  run bash -c 'coproc "$1" -machine none -S -display none -nodefaults -qmp stdio; read -r _ <&"${COPROC[0]}"
    readlink "/proc/$COPROC_PID/exe"; echo "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"quit\"}" >&"${COPROC[1]}"; wait' - "$tree/bin/qemu-system-x86_64"
  check "$1 is its own /proc/PID/exe" test "$(<"$scratch/out")" = "$tree/bin/qemu-system-x86_64"
}

test_module_trap() {
  local name='with the modules of 7.2 on the system' version modules bare=$scratch/bare
  modules=/usr/lib/x86_64-linux-gnu
  if ((UID != 0)) || ! unshare --mount true 2>/dev/null; then skip "$name" 'needs root'; return; fi
  mkdir -p -- "$scratch/upper"
  for version in 10.0 11.1; do
    # The trap must bite a QEMU that looks at the system, else seeing no bite proves nothing.
    rm -rf -- "$bare"
    cp -a -- "$TANDEM_CACHE/qemu/$version/." "$bare"
    rm -rf -- "$bare/bin/qemu-bundle"
    run in_module_trap "$version" "$bare/bin/qemu-system-x86_64"
    check "$name, a $version without its bundle is caught" grep -F 'Only modules from the same build can be loaded' "$scratch/out" -q
    run in_module_trap "$version" "$TANDEM_CACHE/qemu/$version/bin/qemu-system-x86_64"
    check "$name, $version lists its devices and types" grep -Fx 'devices and types are listed' "$scratch/out" -q
  done
}

in_module_trap() { # version, qemu
  export -f lists_devices_and_types list_types
  # shellcheck disable=SC2016  # for the inner shell
  scratch=$scratch unshare --mount bash -c '
    set -e
    mount -t tmpfs tmpfs "$scratch/upper"
    mkdir "$scratch/upper/new" "$scratch/upper/work"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$scratch/upper/new,workdir=$scratch/upper/work" "$1"
    rm -rf "$1/qemu"
    cp -r "$2" "$1/qemu"
    set +e
    lists_devices_and_types "$3" && echo "devices and types are listed"
    cat "$scratch/err"' - "$modules" "$TANDEM_CACHE/qemu/7.2/lib/x86_64-linux-gnu/qemu" "$2"
}

test_real_releases() {
  export TANDEM_CACHE=$real_cache
  local series old=$scratch/moved
  for series in 7.2 10.0 11.1; do
    run "$fetch" "$series"
    if [[ $status != 0 ]] && grep -q 'cannot be reached\|there is no apt\|not set up for Debian' "$scratch/err"; then
      skip "QEMU $series" "$(<"$scratch/err")"
      return
    fi
    check "QEMU $series is there" test "$status" = 0
    test_real_release "$series"
  done
  run unshare --net "$fetch" 7.2 10.0 11.1
  if grep -q '^unshare:' "$scratch/err"; then
    skip 'a second run needs no network' 'needs root'
  else
    check 'a second run needs no network' test "$status" = 0 -a "$(wc -l <"$scratch/out")" = 3
  fi
  test_module_trap

  mkdir -p -- "$old/qemu"
  cp -a -- "$TANDEM_CACHE/qemu/11.1/." "$old/qemu/11.1.0"
  ln -s 11.1.0 "$old/qemu/11.1"
  export TANDEM_CACHE=$old
  run "$fetch" 11.1
  check 'a copy of a real release is repaired' test "$status" = 0
  test_real_release 11.1
}

test_arguments
test_cache_folder
test_no_space
test_foreign_systems

packages=$scratch/packages
missing=
for program in cc patchelf dpkg-deb readelf gpg apt-get; do
  command -v "$program" >/dev/null || missing+=" $program"
done
if [[ -n $missing ]]; then
  skip 'packages brought by hand, and a mirror of our own' "not installed:$missing"
elif [[ $(dpkg --print-architecture) != amd64 ]]; then
  skip 'packages brought by hand, and a mirror of our own' 'only written for amd64'
else
  mkdir -- "$packages" "$scratch/newer"
  make_libc_package "$packages"
  make_patchelf_package "$packages"
  make_qemu_packages 11.1.9 '1:11.1.9+ds-1' "$packages"
  make_key
  test_moved_cache
  test_killed
  test_two_at_once
  test_mirror
  test_from
fi
test_real_releases

printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
((failed == 0))
