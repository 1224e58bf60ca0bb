# A private apt for fetch-qemu: own state, own cache, own sources, an empty list of installed
# packages. It reads nothing of the system but how to reach a mirror, and writes nothing to it.
# shellcheck shell=bash
# shellcheck disable=SC2154  # work, releases and say, die, run: fetch-qemu

# Needed for a migration test, or for the machinery of this script.
readonly wanted_packages='qemu-utils patchelf'
# The loader's symbols, see keep_loader_symbols.
readonly symbol_package=libc6-dbg
# Modules that QEMU asks for when it lists its devices and types; not every suite has them.
readonly module_packages='qemu-block-extra qemu-system-modules-opengl qemu-system-modules-spice'
# Dependencies that hold no library that QEMU or a module of it loads, and that weigh much:
# renderers of a GPU, texts, tools. check_libraries notices if one is needed after all.
readonly useless_packages='^(libllvm[0-9]+|mesa-libgallium|libz3-4|iso-codes|libx11-data|passwd)$'

need_apt() {
  local other='set TANDEM_QEMU to a QEMU binary of your own, or bring packages with --from'
  command -v apt-get >/dev/null || die "there is no apt here to fetch Debian's packages with: $other"
  case $(dpkg --print-architecture) in
    amd64) system_package=qemu-system-x86 ;;
    *) die "no QEMU is known for the architecture $(dpkg --print-architecture): $other" ;;
  esac
}

# Sets mirror and components, as the machine's own sources name them for Debian.
find_mirror() {
  components=main
  mirror=${TANDEM_APT_MIRROR:-}
  [[ -z $mirror ]] || return 0

  local wanted_line
  # Until the first 'apt-get update' apt knows no origin; then Debian's own system must do.
  wanted_line=$(index_targets | awk -F '|' -v release="$(debian_codename)" '
    $4 ~ /^cdrom:/ || $2 == "Debian-Security" { next }
    $1 == "Debian" || ($1 !~ /^[A-Za-z]/ && release != "" && $3 == release && $5 == "main") {
      if (!mirror) mirror = $4
      if ($4 == mirror && !seen[$5]++) components = components " " $5
    }
    END { if (mirror) print mirror components }')
  read -r mirror components <<<"$wanted_line"
  [[ -n $mirror ]] ||
    die "apt here is not set up for Debian but for: $(index_targets | cut -d '|' -f 1,3 --output-delimiter=' ' | sort -u | paste -sd ','); set TANDEM_QEMU to a QEMU binary of your own, or TANDEM_APT_MIRROR to a Debian mirror, or bring packages with --from"
}

index_targets() {
  # shellcheck disable=SC2016  # these are apt's variables
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(RELEASE)|$(REPO_URI)|$(COMPONENT)' 'Created-By: Packages'
  # shellcheck disable=SC2016
  apt-get indextargets --no-release-info --format '||$(RELEASE)|$(REPO_URI)|$(COMPONENT)' 'Created-By: Packages'
}

debian_codename() {
  # shellcheck disable=SC1091
  (. /etc/os-release && [[ $ID == debian ]] && printf '%s\n' "${VERSION_CODENAME:-}") || true
}

write_apt_configuration() { # suite…
  local keyring=${TANDEM_APT_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
  [[ -f $keyring ]] ||
    die "the keyring $keyring is missing: install the package debian-archive-keyring or set TANDEM_APT_KEYRING"
  local apt=$work/apt
  mkdir -p -- "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/none"
  : >"$apt/status"
  printf "deb [arch=$(dpkg --print-architecture) signed-by=$keyring] $mirror %s $components\n" "$@" >"$apt/sources.list"
  # How the machine reaches its mirror (proxies and the like), not its hooks and pins.
  apt-config dump | grep '^Acquire::' | grep -Ev '^Acquire::(IndexTargets|Languages)\b' >"$apt/apt.conf"
  cat >>"$apt/apt.conf" <<END
Dir::Etc::main "/dev/null";
Dir::Etc::parts "$apt/none";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$apt/none";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
END
}

private_apt() { # program, argument…
  APT_CONFIG=$work/apt/apt.conf "$@"
}

update_index() {
  private_apt apt-get update --quiet >"$work/log" 2>&1 || explain_apt_failure
}

explain_apt_failure() {
  local words reason
  words=$(grep -E '^(E|W|Err)' -- "$work/log" | head -n 5 || true)
  case $(<"$work/log") in
    *NO_PUBKEY* | *BADSIG* | *EXPKEYSIG* | *'is not signed'* | *'not available: '* | *"couldn't be verified"* | *'Missing key'*)
      reason="the signature of $mirror is bad or by an unknown key: check the mirror, and that debian-archive-keyring is up to date" ;;
    *'No space left'*) reason="no space left in $work: free some or set TANDEM_CACHE to a folder on a larger disk" ;;
    *'does not have a Release file'* | *'404 '*)
      reason="the suite is unknown at $mirror: set TANDEM_APT_MIRROR to a Debian mirror that has it, or bring packages with --from" ;;
    *'Hash Sum mismatch'* | *'unexpected size'*) reason="$mirror delivers files other than those it has signed: try again later or set TANDEM_APT_MIRROR to another one" ;;
    *) reason="$mirror cannot be reached: check the network and apt's proxy, or bring packages with --from" ;;
  esac
  die "$reason"$'\n'"$words"
}

candidate_version() { # suite
  private_apt apt-cache policy -t "$1" "$system_package" | sed -n 's/^ *Candidate: //p'
}

# All packages that QEMU needs on a system that has none, libc too, to work/packages.
download_packages() { # suite
  local suite=$1 package line name file size bytes=0
  local -a wanted chosen=()
  read -ra wanted <<<"$system_package $wanted_packages"
  for package in $module_packages; do
    # Without -t, a suite whose newer build lacks the module would get the older suite's.
    [[ -z $(private_apt apt-cache madison "$package" | grep -F " $suite/" || true) ]] || wanted+=("$package")
  done
  [[ -z $(private_apt apt-cache madison "$symbol_package") ]] || wanted+=("$symbol_package")
  private_apt apt-get install --print-uris -qq -t "$suite" "${wanted[@]}" >"$work/log" 2>&1 || explain_apt_failure
  while read -r line; do
    read -r _ file size _ <<<"$line"
    name=${file%%_*}
    [[ ! $name =~ $useless_packages ]] || continue
    file=${file#*_}
    file=${file%_*}
    chosen+=("$name=${file//%3a/:}")
    bytes=$((bytes + size))
  done < <(grep "^'" "$work/log")
  say "QEMU $(candidate_version "$suite") from $suite: ${#chosen[@]} packages, $((bytes / 1000000)) MB to download"
  mkdir -- "$work/packages"
  (cd -- "$work/packages" && private_apt apt-get download -qq "${chosen[@]}") >"$work/log" 2>&1 || explain_apt_failure
  printf '%s\n' "${chosen[@]}" >"$work/packages/list"
}
