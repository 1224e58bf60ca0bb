#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The layers of CONTRIBUTING.md hold: each file includes only what stands below its folder, suites
# only what the page allows them, lib/ no GoogleTest, and nobody but lib/qmp RapidJSON.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# The page's list, highest first: "rank folder"; folders of one line have the same rank.
layers() {
  sed -n '/^## Layers/,/^guest-kernels/p' "$root/CONTRIBUTING.md" |
    awk '{ for (i = 1; i <= NF; ++i) if ($i ~ /^(suites|fixtures|lib\/[a-z]+)\/?$/) {
             sub(/\/$/, "", $i); print NR, $i } }'
}

# What the page's sentence allows suites of lib/.
vocabulary() {
  tr '\n' ' ' <"$root/CONTRIBUTING.md" | grep -o 'Suites include[^.]*\.' | grep -o 'lib/[a-z]*'
}

# A line for each include of a tree that breaks the rule.
violations() { # root of a tree
  (cd "$1" && find suites fixtures lib \( -name '*.h' -o -name '*.cc' -o -name '*.in' \) \
    -exec grep -Hn '^ *#include' {} +) >"$work/includes" 2>"$work/missing" || true
  layers >"$work/layers"
  vocabulary >"$work/vocabulary"
  awk -F: -v layers="$work/layers" -v vocabulary="$work/vocabulary" '
    function folder(path,  parts, n) {
      n = split(path, parts, "/")
      return parts[1] == "lib" && n > 2 ? "lib/" parts[2] : parts[1]
    }
    function complain(why) { print $1 ":" $2 ": " why }
    BEGIN {
      while ((getline line < layers) > 0) { split(line, word, " "); rank[word[2]] = word[1] }
      while ((getline line < vocabulary) > 0) allowed[line] = 1
    }
    {
      split($3, quoted, /["<>]/); included = quoted[2]
      from = folder($1); to = folder(included)
      test = $1 ~ /_test\.(cc|h)$/ || $1 ~ /_test_peer\.h$/ || from == "lib"
      if (from ~ /^lib/ && !test && included ~ /^(gtest|gmock)\//) complain("lib/ includes GoogleTest")
      if (from != "lib/qmp" && included ~ /^rapidjson\//) complain("RapidJSON outside lib/qmp")
      if (to ~ /^(tools|bench|docs|examples)$/) complain(from " includes " to)
      if (!(to in rank) || from == "lib" || from == to) next
      if (!(from in rank)) complain("CONTRIBUTING.md has no layer " from)
      else if (rank[to] <= rank[from]) complain(from " includes " to ", which is not below it")
      else if (from == "suites" && to != "fixtures" && !(to in allowed)) complain("a suite includes " to)
    }' "$work/includes"
}

plant() { # file, included
  rm -rf "$work/tree" && mkdir -p "$work/tree/$(dirname "$1")"
  echo "#include $2" >"$work/tree/$1"
  violations "$work/tree" >"$work/found"
}

refuses() {
  plant "$1" "$2"
  if [[ $(wc -l <"$work/found") == 1 ]]; then
    echo "ok - $(<"$work/found")"
  else
    echo "not ok - $1 may include $2: $(<"$work/found")"
    failures=$((failures + 1))
  fi
}

allows() {
  plant "$1" "$2"
  if [[ -s $work/found ]]; then
    echo "not ok - $(<"$work/found")"
    failures=$((failures + 1))
  else
    echo "ok - $1 includes $2"
  fi
}

refuses suites/a_test.cc '"lib/process/unix_socket.h"'
refuses suites/a_test.cc '"lib/guest/ram_blocks.h"'
refuses suites/a_test.cc '"tools/runner/a.h"'
refuses fixtures/a.cc '"suites/a.h"'
refuses lib/colo/a.h '"fixtures/a.h"'
refuses lib/colo/a.h '"lib/report/evidence.h"'
refuses lib/qmp/a.cc '"lib/qemu/machine.h"'
refuses lib/base/a.cc '"lib/process/a.h"'
refuses lib/new/a.cc '"lib/base/status.h"'
refuses lib/guest/a.cc '<gmock/gmock.h>'
refuses lib/stream/a.cc '<rapidjson/document.h>'
refuses fixtures/a.cc '"rapidjson/document.h"'
allows suites/a_test.cc '"fixtures/migration_fixture.h"'
allows suites/a_test.cc '"lib/stream/migration_stream.h"'
allows lib/guest/a_test.cc '<gtest/gtest.h>'
allows lib/qmp/a.cc '<rapidjson/document.h>'
allows fixtures/a.cc '"lib/base/status.h"'

[[ $(layers | wc -l) -ge 12 && $(vocabulary | wc -l) -ge 3 ]] || {
  echo "not ok - CONTRIBUTING.md tells too few layers"
  failures=$((failures + 1))
}
violations "$root" >"$work/found"
[[ -s $work/found ]] || grep -q . "$work/includes" || echo "no includes" >"$work/found"
if [[ -s $work/found ]]; then
  sed 's/^/not ok - /' "$work/found"
  failures=$((failures + 1))
else
  echo "ok - $(wc -l <"$work/includes") includes of the tree"
fi
exit $((failures > 0))
