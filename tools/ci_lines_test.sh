#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lines of docs/ci.md that choose a shard, run with the variables that each engine sets.
# shellcheck disable=SC2034,SC2317  # the document's lines read the variables and call tandem
set -eu

document=$(dirname "$0")/../docs/ci.md
failures=0

tandem() { echo "$*"; } # in place of the program

# The one line of a section that chooses a shard, without what YAML has in front.
line_of() { # section
  local lines
  lines=$(sed -n "/^### $1\$/,/^##/p" "$document" | sed -n 's/^ *\(- \)\{0,1\}\(tandem run --shard .*\)$/\2/p')
  [[ $(wc -l <<<"$lines") == 1 && -n $lines ]] || { echo "not ok - $1 has not one such line: $lines"; return 1; }
  echo "$lines"
}

check() { # section, index, count
  local line said
  line=$(line_of "$1") || { echo "$line"; exit 1; }
  said=$(eval "$line")
  if [[ $said == "run --shard $2/$3 --output "* ]]; then
    echo "ok - $1: $2/$3"
  else
    echo "not ok - $1 gives '$said' for $2/$3"
    failures=$((failures + 1))
  fi
}

for count in 1 3; do
  for ((i = 1; i <= count; ++i)); do
    JOB_INDEX=$((i - 1)) JOB_TOTAL=$count
    check GitHub "$i" "$count"
    CI_NODE_INDEX=$i CI_NODE_TOTAL=$count
    check GitLab "$i" "$count"
    JOB_COMPLETION_INDEX=$((i - 1)) SHARDS=$count
    check Kubernetes "$i" "$count"
    for first in 0 1; do # --array=0-2 and --array=1-3
      SLURM_ARRAY_TASK_ID=$((i - 1 + first)) SLURM_ARRAY_TASK_MIN=$first SLURM_ARRAY_TASK_COUNT=$count
      check Slurm "$i" "$count"
    done
  done
done
exit $((failures > 0))
