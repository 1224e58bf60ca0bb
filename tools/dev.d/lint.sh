# Checks how the code is written, by the tools and rules that editors use too: .clang-format,
# .clang-tidy, shellcheck.
# shellcheck shell=bash
# shellcheck disable=SC2154  # repo, preset and say, die, refuse, need, quietly, cmake_in_tree: dev

readonly code_folders='lib fixtures suites tools guest-kernels cmake examples bench'

command_lint() {
  local fix=no failed=''
  local -a files=()
  while (($#)); do
    case $1 in
      --fix) fix=yes ;;
      --changed)
        mapfile -O "${#files[@]}" -t files < <(changed_files)
        ((${#files[@]})) || { say "lint: no file has changed"; return; }
        ;;
      -*) refuse "lint: unknown option '$1'; see ./dev lint --help" ;;
      *)
        [[ -f $1 ]] || refuse "lint: there is no file '$1'"
        files+=("$(realpath -- "$1")")
        ;;
    esac
    shift
  done
  need build lint
  ((${#files[@]})) || mapfile -t files < <(all_files)
  check_layout "$fix" || failed+=' clang-format'
  check_scripts || failed+=' shellcheck'
  check_code || failed+=' clang-tidy'
  [[ -z $failed ]] || die "lint: complaints by$failed"
  say "lint: no complaints about ${#files[@]} files"
}

all_files() {
  local folder
  for folder in $code_folders; do
    [[ ! -d $repo/$folder ]] || find "$repo/$folder" -type f
  done | sort
  printf '%s\n' "$repo/dev" "$repo/.ci/run"
}

# Since the last commit.
changed_files() {
  local file
  { git -C "$repo" diff --name-only --diff-filter=d HEAD && git -C "$repo" ls-files --others --exclude-standard; } |
    while read -r file; do printf '%s\n' "$repo/$file"; done
}

of_kind() { # regular expression for the name
  printf '%s\n' "${files[@]}" | grep -E -- "$1" || true
}

check_layout() { # fix?
  local -a sources mode=(--dry-run -Werror)
  [[ $1 == no ]] || mode=(-i)
  mapfile -t sources < <(of_kind '\.(cc|h|c)$')
  ((${#sources[@]})) || return 0
  say "clang-format: ${#sources[@]} files"
  clang-format "${mode[@]}" "${sources[@]}"
}

# A part is sourced by a script: that one knows its variables, and ends when a command fails.
check_scripts() {
  local -a scripts parts
  mapfile -t scripts < <(for file in "${files[@]}"; do ! is_script "$file" || echo "$file"; done)
  mapfile -t parts < <(of_kind '\.d/[^/]*\.sh$')
  ((${#scripts[@]} + ${#parts[@]})) || return 0
  say "shellcheck: $((${#scripts[@]} + ${#parts[@]})) scripts"
  (
    cd -- "$repo" || exit # the paths in directives start there
    status=0
    ((${#scripts[@]} == 0)) || shellcheck --external-sources "${scripts[@]}" || status=1
    ((${#parts[@]} == 0)) || shellcheck --exclude=SC2034,SC2154,SC2164 "${parts[@]}" || status=1
    exit "$status"
  )
}

is_script() { head -c 32 -- "$1" | grep -qa '^#!.*sh$'; }

# clang-tidy needs to know how a file is compiled, so the tree is configured, but not built. The
# guests are not compiled by CMake's own rules, hence not checked.
check_code() {
  local -a sources
  local commands=$repo/build/$preset/compile_commands.json
  quietly "configure-$preset" "configuring build/$preset" cmake_in_tree --preset "$preset" || exit 1
  mapfile -t sources < <(of_kind '\.cc$' | grep -Fxf <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$commands"))
  ((${#sources[@]})) || return 0
  say "clang-tidy: ${#sources[@]} files"
  # Complaints about a header come with every source that includes it: each is shown once. What
  # clang-tidy says on standard error are counts of suppressed warnings.
  printf '%s\0' "${sources[@]}" |
    xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet --warnings-as-errors='*' -p "${commands%/*}" 2>/dev/null |
    awk '/^[^ ].*: (warning|error): / { shown = !seen[$0]++ } shown'
}
