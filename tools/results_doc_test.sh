#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/results.md knows every phase and every measurement that the fixtures and suites record.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Names in the sources of a tree: phases by BeginPhase("…"), measurements by Measure("…") and
# keep("…"); of a name that is put together, its beginning.
recorded() { # root of a tree
  grep -rhoE --include='*.cc' --exclude-dir=selftest '\b(BeginPhase|Measure|keep)\("[a-z_]+"' \
    "$1/fixtures" "$1/suites" | sed 's/.*"\(.*\)"/\1/' | sort -u
}

# Those of a tree that its page lacks.
missing() { # root of a tree
  recorded "$1" | while read -r name; do
    grep -qE "\`$name(<[a-z]+>)?\`" "$1/docs/results.md" || echo "$name"
  done
}

fail() {
  echo "$*" >&2
  exit 1
}

[ "$(recorded "$root" | wc -l)" -ge 30 ] || fail "hardly any name was found in the sources"
lacks=$(missing "$root")
[ -z "$lacks" ] || fail "docs/results.md does not say what these mean: ${lacks//$'\n'/ }"

# It sees what is missing.
mkdir -p "$work/fixtures" "$work/suites" "$work/docs"
printf 'BeginPhase("%s");\n' told untold >"$work/fixtures/a.cc"
printf 'Measure("%s", 1);\n' figure_ms other_ms "sum_of_" >"$work/suites/b.cc"
# shellcheck disable=SC2016  # Markdown's quotation marks
printf 'Phases: `%s`\n| `%s` |\n| `%s` |\n' told figure_ms 'sum_of_<name>' >"$work/docs/results.md"
[ "$(missing "$work" | tr '\n' ' ')" = "other_ms untold " ] ||
  fail "of a page without other_ms and untold it says: $(missing "$work")"
echo "docs/results.md: every phase and measurement is there"
