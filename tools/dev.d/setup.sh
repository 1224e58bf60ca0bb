# What Tandem is built with: how it is found, and how it comes onto the machine.
# shellcheck shell=bash
# shellcheck disable=SC2154  # say, die, quietly: dev

# Group, how it is found, Debian's package, what it is for. Everything needs the group "build";
# "extra" is useful and comes along, but nothing fails without it.
readonly requirements='
build  cmake                           cmake         configures the build and runs the tests (3.25 or newer)
build  program:ninja,ninja-build,samu  ninja-build   builds
build  compiler                        g++           compiles Tandem and its guests (C++20)
build  program:objcopy,llvm-objcopy    binutils      makes the guest images
build  library:GTest::gtest            libgtest-dev  GoogleTest
build  library:GTest::gmock            libgmock-dev  GoogleMock
build  library:absl::statusor          libabsl-dev   Abseil: status values and times
build  library:spdlog::spdlog          libspdlog-dev the log
build  library:RapidJSON               rapidjson-dev the JSON of QMP
build  library:CLI11                   libcli11-dev  the command line of `tandem`
build  library:pugixml                 libpugixml-dev the XML of ctest, for `tandem report`
bench  library:benchmark::benchmark    libbenchmark-dev Google Benchmark: ./dev bench
extra  program:gdb                     gdb           stacks of a QEMU that hangs or crashed
extra  program:certtool                gnutls-bin    certificates for the tests of TLS
extra  program:patchelf                patchelf      tests of tools/fetch-qemu
extra  program:gpg                     gpg           tests of tools/fetch-qemu
extra  program:xmllint                 libxml2-utils validates junit.xml in the tests
extra  program:doxygen                 doxygen       the API documentation, the target "docs"
page   program:chromium,chromium-browser,google-chrome chromium the test of report.html in a browser
page   program:node                    nodejs        drives it
clang  program:clang++                 clang         the preset "clang"
lint   program:clang-format            clang-format  checks how the code is laid out
lint   program:clang-tidy              clang-tidy    checks the code
lint   program:shellcheck              shellcheck    checks the scripts
'

has_program() { # names separated by commas, any of which will do
  local name
  for name in ${1//,/ }; do
    ! command -v "$name" >/dev/null || return 0
  done
  return 1
}

has_cmake() {
  local version
  has_program cmake && version=$(cmake --version | sed -n '1s/^cmake version //p') &&
    [[ $(printf '%s\n' 3.25 "$version" | sort -V | head -n 1) == 3.25 ]]
}

# CC and CXX may carry options.
has_compiler() {
  local c=${CC:-cc,gcc,clang} cxx=${CXX:-c++,g++,clang++}
  has_program "${c%% *}" && has_program "${cxx%% *}"
}

# For Debian only, and for when CMake cannot be asked.
has_package() { [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Prints those of its arguments, CMake packages or targets of them, that the build will find,
# wherever they are installed. Takes a third of a second.
found_libraries() {
  local folder
  folder=$(mktemp -d)
  cat >"$folder/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES CXX)
foreach(library IN LISTS LIBRARIES)
  string(REGEX REPLACE "::.*" "" package ${library})
  find_package(${package} QUIET)
  if(TARGET ${library} OR (library STREQUAL package AND ${package}_FOUND))
    message("found ${library}")
  endif()
endforeach()
END
  cmake -G Ninja -S "$folder" -B "$folder/build" -DLIBRARIES="$(IFS=';'; echo "$*")" 2>&1 |
    sed -n 's/^found //p' || true
  rm -rf -- "$folder"
}

# Prints the lines of `requirements` that are of a group and not fulfilled.
missing_of() { # group
  local group probe package purpose libraries=' ' can_probe=no
  local -a wanted
  mapfile -t wanted < <(sed -n "s/^$1 *library:\([^ ]*\) .*/\1/p" <<<"$requirements")
  if ((${#wanted[@]})) && has_cmake && has_compiler && has_program ninja,ninja-build,samu; then
    can_probe=yes
    libraries=" $(found_libraries "${wanted[@]}" | tr '\n' ' ') "
  fi
  while read -r group probe package purpose; do
    [[ $group == "$1" ]] || continue
    case $probe in
      cmake) has_cmake ;;
      compiler) has_compiler ;;
      program:*) has_program "${probe#program:}" ;;
      library:*) [[ $libraries == *" ${probe#library:} "* ]] || { [[ $can_probe == no ]] && has_package "$package"; } ;;
    esac || printf '%s|%s\n' "$package" "$purpose"
  done <<<"$requirements"
}

packages_of() { sed -n 's/|.*//p' | sort -u | paste -sd ' '; } # lines of missing_of

# Installs what the groups lack. When they lack nothing it says nothing and asks nobody.
need() { # group…
  local group missing
  missing=$(for group in "$@"; do missing_of "$group"; done)
  [[ -n $missing ]] || return 0
  local obstacle
  obstacle=$(obstacle_to_installing)
  [[ -z $obstacle ]] || tell_missing "$missing" "$obstacle"

  install "$(packages_of <<<"$missing"$'\n'"$(missing_of extra)")"
  missing=$(for group in "$@"; do missing_of "$group"; done)
  [[ -z $missing ]] || tell_missing "$missing" 'they are missing even after apt has installed them'
}

need_if_possible() { # group
  local missing
  missing=$(missing_of "$1")
  [[ -n $missing ]] || return 0
  if [[ -n $(obstacle_to_installing) ]]; then
    say "not installed, nothing needs it: $(tr '|\n' ':;' <<<"$missing" | sed 's/:/: /g; s/;$//; s/;/; /g')"
  else
    (install "$(packages_of <<<"$missing")") || say "it goes on without"
  fi
}

obstacle_to_installing() {
  if ! has_program apt-get; then
    echo 'there is no apt here to install them with'
  elif [[ $(id -u) != 0 ]] && ! has_program sudo; then
    echo 'you are not root and there is no sudo'
  fi
}

tell_missing() { # lines of missing_of, why they are not installed
  local package purpose
  say "missing, by the names of Debian's packages:"
  while IFS='|' read -r package purpose; do
    printf '[dev]   %-14s %s\n' "$package" "$purpose" >&2
  done <<<"$1"
  die "$2: install these packages, then run this again: $(packages_of <<<"$1")"
}

install() { # packages, in one word
  local -a as_root=() packages
  read -ra packages <<<"$1"
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  say "installing with ${as_root[*]:+sudo and }apt: $1"
  # A mirror that cannot be reached may not matter: the packages may lie in apt's cache.
  quietly setup 'apt-get update' "${as_root[@]}" apt-get update --quiet || true
  quietly setup "apt-get install $1" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "${packages[@]}" ||
    die "apt could not install $1: see above"
}
