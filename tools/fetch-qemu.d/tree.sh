# Packages to a folder that runs from where it lies.
#
# What the packages have under /usr lies directly in the tree. The programs find the tree's libc
# and libraries by interpreter and DT_RPATH; unlike RUNPATH that serves what libraries and
# modules load in turn. QEMU finds its modules and firmware by bin/qemu-bundle.
# shellcheck shell=bash
# shellcheck disable=SC2154  # work, root and say, die, run, need: fetch-qemu

readonly kept_programs='qemu-system-x86_64 qemu-img qemu-io qemu-nbd qemu-storage-daemon'
readonly module_complaint='failed to (open|initialize) module'
readonly kept_data='lib/ipxe share/qemu share/seabios'

# Sets built_version, qemu_program, qemu_package_version and triplet; the tree is work/tree,
# and its programs run from there.
build_tree() { # folder with packages
  qemu_program=qemu-system-x86_64
  unpack_packages "$1"
  choose_files
  [[ ! -f $1/list ]] || mv -- "$1/list" "$work/tree/packages"
  make_relocatable "$work/tree"
  point_programs_to "$work/tree" "$work/tree"
  check_libraries "$work/tree"
  check_programs "$work/tree" "$qemu_program"
  built_version=$("$work/tree/bin/$qemu_program" --version | sed -n '1s/^QEMU emulator version \([0-9.]*\).*/\1/p')
  series_of "$built_version" >/dev/null
}

unpack_packages() { # folder
  local package
  mkdir -- "$work/unpacked"
  ln -s . "$work/unpacked/usr"
  qemu_package_version=
  for package in "$1"/*.deb; do
    run "unpacking $package (is it damaged? bring it again)" unpack_package "$package"
    [[ $(dpkg-deb --field "$package" Package) != qemu-system-x86 ]] ||
      qemu_package_version=$(dpkg-deb --field "$package" Version)
  done
}

unpack_package() { # package
  dpkg-deb --fsys-tarfile "$1" |
    tar --extract --directory "$work/unpacked" --no-same-owner --no-same-permissions --keep-directory-symlink \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
      --exclude='*/gconv' --exclude='./etc' --exclude='./var'
}

choose_files() {
  local path libc
  cd -- "$work/unpacked"
  libc=$(compgen -G 'lib/*/libc.so.6') ||
    die "the packages have no libc: with QEMU bring all that it depends on, libc6 too"
  triplet=$(basename -- "$(dirname -- "$libc")")
  mkdir -p -- "$work/tree/bin" "$work/tree/lib" "$work/tree/share" "$work/tree/libexec"
  for path in $kept_programs; do
    [[ ! -e bin/$path ]] || mv -- "bin/$path" "$work/tree/bin/"
  done
  for path in $kept_data "lib/$triplet"; do
    [[ ! -e $path ]] || mv -- "$path" "$work/tree/$path"
  done
  for path in "$qemu_program" qemu-img; do
    [[ -x $work/tree/bin/$path ]] || die "the packages have no $path: bring qemu-system-x86 and qemu-utils too"
  done
  # Debian builds the newer releases --disable-relocatable; this folder beside the program is
  # what QEMU then still prefers to the absolute paths that it was built with.
  mkdir -- "$work/tree/bin/qemu-bundle"
  ln -s ../.. "$work/tree/bin/qemu-bundle/usr"
  keep_loader_symbols
  if [[ -x bin/patchelf ]]; then
    mv -- bin/patchelf "$work/tree/libexec/"
  else
    need patchelf patchelf
  fi
  cd -- "$OLDPWD"
  rm -rf -- "$work/unpacked"
}

# valgrind refuses to start without the loader's symbols; beside the loader it finds them.
keep_loader_symbols() {
  local loader name
  for loader in "$work/tree/lib/$triplet"/ld-linux*.so.*; do
    name=$(grep -aoE '[0-9a-f]{38}\.debug' -- "$loader") || continue
    for name in lib/debug/.build-id/*/"$name"; do
      [[ ! -f $name ]] || install -D --mode=644 --target-directory="$work/tree/lib/$triplet/.debug" -- "$name"
    done
  done
}

# A tree keeps its own patchelf, run by the tree's own loader: it works on any distribution, and
# a moved tree can be repaired with no network.
tree_patchelf() { # tree, argument…
  local tree=$1
  shift
  if [[ -x $tree/libexec/patchelf ]]; then
    local loader
    loader=$(compgen -G "$tree/lib/$triplet/ld-linux*.so.*") || die "there is no loader in $tree/lib/$triplet"
    "$loader" --library-path "$tree/lib/$triplet" "$tree/libexec/patchelf" "$@"
  else
    patchelf "$@"
  fi
}

point_programs_to() { # tree, the place where it will run
  local tree=$1 home=$2 program interpreter
  for program in "$tree"/bin/qemu-*; do
    [[ -f $program ]] || continue
    interpreter=$(tree_patchelf "$tree" --print-interpreter "$program")
    patch_file "$tree" "$program" --set-interpreter "$home/lib/$triplet/$(basename -- "$interpreter")"
  done
}

# One change a time: with two, patchelf 0.18 leaves symbols in wrong sections, and gdb dies of it.
patch_file() { # tree, file, patchelf's option and value
  local tree=$1 file=$2
  shift 2
  run "patching $file" tree_patchelf "$tree" --output "$work/patched" "$@" "$file"
  # By rename: the program may be running, and must not be seen half written.
  chmod --reference="$file" -- "$work/patched"
  mv -- "$work/patched" "$file"
}

# A library with a RUNPATH of its own would look in the system's folders and not in DT_RPATH, so
# it gets an RPATH too, to the same folders in the tree.
make_relocatable() { # tree
  local tree=$1 file folders path relative
  for file in "$tree"/bin/qemu-*; do
    [[ ! -f $file ]] || patch_file "$tree" "$file" --force-rpath --set-rpath "\$ORIGIN/../lib/$triplet"
  done
  while IFS= read -r file; do
    folders=$(tree_patchelf "$tree" --print-rpath "$file" 2>/dev/null) || continue
    [[ -n $folders ]] || continue
    relative=\$ORIGIN/$(realpath --relative-to="$(dirname -- "$file")" -- "$tree/lib/$triplet")
    path=$relative
    while [[ $folders =~ /lib/"$triplet"/([^:]+)(.*) ]]; do
      path+=":$relative/${BASH_REMATCH[1]}"
      folders=${BASH_REMATCH[2]}
    done
    patch_file "$tree" "$file" --force-rpath --set-rpath "$path"
  done < <(find "$tree/lib/$triplet" -type f -name '*.so*')
}

# Lets the loader resolve all that QEMU and its modules need, in the tree and nowhere else.
check_libraries() { # tree
  local tree=$1 program modules='' module strays
  for module in "$tree/lib/$triplet"/qemu/*.so; do
    # By $ORIGIN, since LD_PRELOAD splits at spaces and the tree's path may have some.
    [[ ! -e $module ]] || modules+=" \$ORIGIN/../lib/$triplet/qemu/$(basename -- "$module")"
  done
  for program in "$tree"/bin/qemu-*; do
    [[ -f $program ]] || continue
    run "loading $program" env LD_TRACE_LOADED_OBJECTS=1 "$program"
    [[ $(basename -- "$program") != "$qemu_program" ]] ||
      run "loading the modules of $program" env LD_TRACE_LOADED_OBJECTS=1 LD_PRELOAD="$modules" "$program"
    strays=$(grep -E ' => |cannot be preloaded' -- "$work/log" | grep -vF -- "=> $tree/" || true)
    [[ -z $strays ]] || die "the packages lack libraries of $(basename -- "$program"): $strays"
  done
}

check_programs() { # tree, program
  local question
  run "$1/bin/$2 -L help" "$1/bin/$2" -L help
  ! grep -vF "$1/" -- "$work/log" >/dev/null || die "$1/bin/$2 would take firmware from elsewhere: $(<"$work/log")"
  for question in --version '-machine help' '-accel help' '-device help'; do
    # shellcheck disable=SC2086  # an option and its value
    run "$1/bin/$2 $question" "$1/bin/$2" $question
    ! grep -iE "$module_complaint" "$work/log" >/dev/null ||
      die "$1/bin/$2 $question cannot load a module: $(grep -iE -A 1 "$module_complaint" "$work/log")"
  done
  run "$1/bin/qemu-img --version" "$1/bin/qemu-img" --version
}
