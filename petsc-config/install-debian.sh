#!/usr/bin/env bash
# Installs, on Debian or Ubuntu, what Dini needs and this machine lacks. Needs no root when nothing is missing.
#
#   petsc-config/install-debian.sh [flavour or group...]
#
#   (no flavour)   a compiler, CMake, and any PETSc >= 3.18: the one of PETSC_DIR/PETSC_ARCH, or the one that pkg-config
#                  finds, or else Debian's with real scalars; for Debian's also an optimised BLAS, where there is none
#   real complex real64 complex64 debug
#                  Debian's PETSc with these scalars, with 64-bit indices, or with debugging checks
#   slepc          the SLEPc of each flavour named; without one, that of the Debian PETSc in use, and none for another PETSc
#   plot           gnuplot, for the pictures of the examples
#   adolc          ADOL-C and a C++ compiler, for the example of that name
#   lint           clang-format, clang-tidy, cppcheck, and the group docs
#   docs           Doxygen, Sphinx, Breathe, MathJax
#   --where <flavour>
#                  prints the PETSC_DIR of Debian's PETSc of that flavour, installs nothing
set -euo pipefail

die() { printf 'install-debian.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The newest directory of a flavour among Debian's PETSc (or, with "slepc" as second argument, SLEPc); nothing if absent.
where() {
  local what=${2:-petsc} index=3 kind dir newest=""
  case $1 in
    real) kind=real ;; complex) kind=complex ;; debug) kind=real-debug ;;
    real64) index=64-3 kind=real ;; complex64) index=64-3 kind=complex ;;
    *) die "unknown flavour '$1'; known: real complex real64 complex64 debug" ;;
  esac
  if [ "$what" = slepc ]; then kind=${kind%-debug}; fi
  for dir in /usr/lib/"$what"dir/"$what$index".*/*-linux-*-"$kind"; do
    if [ -e "$dir/lib/pkgconfig/$what.pc" ]; then newest=$(printf '%s\n' $newest "$dir" | sort -V | tail -n 1); fi
  done
  printf '%s\n' "$newest"
}

# A PETSc that is already there and that CMake would find: the user's own counts, whatever its flavour.
existing_petsc() {
  local dir
  if [ -n "${PETSC_DIR:-}" ]; then
    for dir in "$PETSC_DIR/${PETSC_ARCH:-}" "$PETSC_DIR"; do
      if [ -e "$dir/lib/pkgconfig/petsc.pc" ] || [ -e "$dir/lib/pkgconfig/PETSc.pc" ]; then return 0; fi
    done
    die "PETSC_DIR=$PETSC_DIR PETSC_ARCH=${PETSC_ARCH:-} holds no lib/pkgconfig/petsc.pc; correct them, or unset both to use Debian's PETSc"
  fi
  [ -z "${PETSC_ARCH:-}" ] ||
    die "PETSC_ARCH=$PETSC_ARCH is set without PETSC_DIR, so that it names no PETSc; set PETSC_DIR too, or unset PETSC_ARCH"
  if have pkg-config; then
    if pkg-config --exists 'PETSc >= 3.18' || pkg-config --exists 'petsc >= 3.18'; then return 0; fi
  fi
  return 1
}

# Which of Debian's PETSc flavours is the one that existing_petsc() has found? Nothing for a PETSc from elsewhere.
flavour_in_use() {
  local prefix=${PETSC_DIR:-} flavour dir
  [ -n "$prefix" ] || prefix=$(pkg-config --variable=prefix PETSc 2>/dev/null || pkg-config --variable=prefix petsc 2>/dev/null || true)
  [ -n "$prefix" ] || return 0
  for flavour in real complex real64 complex64 debug; do
    dir=$(where "$flavour")
    if [ -n "$dir" ] && [ "$(readlink -f "$prefix")" = "$(readlink -f "$dir")" ]; then printf '%s\n' "$flavour"; fi
  done
}

# Can the Python that runs sphinx-build import this module? (It need not be the first python3 on PATH.)
sphinx_imports() {
  local python
  have sphinx-build || return 1
  python=$(sed -n '1s/^#! *//p' "$(command -v sphinx-build)")
  ${python:-python3} -c "import $1" 2>/dev/null
}

# Debian's PETSc brings the reference BLAS, with which MUMPS takes half as long again as with an optimised one.
optimised_blas() {
  local file
  for file in /etc/alternatives/libblas.so.3*; do
    case $(readlink -f "$file") in */blas/libblas.so.3* | /etc/*) ;; *) return 0 ;; esac
  done
  return 1
}

packages=()
need() { packages+=("$@"); }

# The package of a flavour: the unversioned name for development files, the versioned one for the debug build.
petsc_package() {
  case $1 in
    real) echo libpetsc-real-dev ;; complex) echo libpetsc-complex-dev ;;
    real64) echo libpetsc64-real-dev ;; complex64) echo libpetsc64-complex-dev ;;
    debug) apt-cache depends libpetsc-real-dev | sed -n 's/.*Depends: \(libpetsc-real3[.0-9]*\)-dev$/\1-dbg/p' ;;
  esac
}

flavours=() slepc=no groups=()
if [ "${1:-}" = --where ]; then
  where "${2:?--where needs a flavour}"
  exit 0
fi
for word in "$@"; do
  case $word in
    real | complex | real64 | complex64 | debug) flavours+=("$word") ;;
    slepc) slepc=yes ;;
    plot | adolc | docs | lint) groups+=("$word") ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown argument '$word'; see --help" ;;
  esac
done

# ---- what is missing? ----
have cc || have gcc || need gcc libc6-dev
have make || have ninja || need make
have cmake || need cmake
have pkg-config || need pkg-config
missing_petsc=()
if [ ${#flavours[@]} -eq 0 ]; then
  existing_petsc || missing_petsc+=(real)
  if [ $slepc = yes ]; then
    if [ ${#missing_petsc[@]} -gt 0 ]; then flavours=(real); else mapfile -t flavours < <(flavour_in_use); fi
  fi
else
  for flavour in "${flavours[@]}"; do
    [ -n "$(where "$flavour")" ] || missing_petsc+=("$flavour")
  done
fi
missing_slepc=()
if [ $slepc = yes ]; then
  for flavour in "${flavours[@]}"; do
    [ -n "$(where "$flavour" slepc)" ] || missing_slepc+=("${flavour/debug/real}")
  done
fi
have mpiexec || need openmpi-bin
for group in ${groups[@]+"${groups[@]}"}; do
  case $group in
    plot) have gnuplot || need gnuplot-nox fonts-dejavu-core ;;
    adolc)
      have c++ || have g++ || need g++
      [ -e /usr/include/adolc/adolc.h ] || need libadolc-dev
      ;;
    lint)
      have clang-format || need clang-format
      have clang-tidy || need clang-tidy
      have cppcheck || need cppcheck
      ;;&
    lint | docs)
      have doxygen || need doxygen
      have sphinx-build || need python3-sphinx
      sphinx_imports breathe || need python3-breathe
      [ -e "${DINI_MATHJAX:-/usr/share/javascript/mathjax}/MathJax.js" ] || need libjs-mathjax
      ;;
  esac
done
necessary=$((${#packages[@]} + ${#missing_petsc[@]} + ${#missing_slepc[@]}))
if ! optimised_blas && { [ ${#missing_petsc[@]} -gt 0 ] || [ ${#flavours[@]} -gt 0 ] || [ -n "$(flavour_in_use)" ]; }; then
  need libopenblas0-serial # one thread, because the ranks share out the cores
fi
if [ ${#packages[@]} -eq 0 ] && [ $necessary -eq 0 ]; then
  exit 0
fi

# ---- install it ----
list="${packages[*]-}${missing_petsc[*]+ PETSc(${missing_petsc[*]-})}${missing_slepc[*]+ SLEPc(${missing_slepc[*]-})}"
list=${list# }
# give_up <why>: an error, unless all that is missing is the faster BLAS
give_up() {
  [ $necessary -eq 0 ] || die "$*"
  echo "$* Going on without $list: PETSc uses the reference BLAS here, and direct solvers take longer."
  exit 0
}
have apt-get || give_up "this machine lacks $list and is no Debian or Ubuntu.
Install a C compiler, CMake >= 3.23, pkg-config, MPI and PETSc >= 3.18 by your own means, set PETSC_DIR and PETSC_ARCH,
and run the command again."
echo "Missing: $list"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo)
  [ -t 0 ] || as_root=(sudo -n)
  "${as_root[@]}" true 2>/dev/null || give_up "missing: $list. Install it as root: run this script as root, or install sudo."
fi
# apt <seconds that a server may take to answer> <arguments...>
apt() {
  local timeout=$1
  shift
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive LC_ALL=C RES_OPTIONS="timeout:3 attempts:2" \
    apt-get -o Acquire::http::Timeout="$timeout" -o Acquire::https::Timeout="$timeout" -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@" </dev/null
}
echo "Asking the package servers"
# One source that does not answer among several is no reason to stop; apt says which, and ends with 0 even when none does.
answers=$(apt 5 -q -o Acquire::Retries=1 update 2>&1) || { printf '%s\n' "$answers" >&2; give_up "apt-get update failed."; }
if ! grep -qE '^(Hit|Get):' <<<"$answers"; then
  printf '%s\n' "$answers" | grep -E '^(Err|W|E):|^  ' | sort -u | head -n 5 >&2 || true
  give_up "no package server answers. Is the network up? Does it need a proxy (http_proxy, or Acquire::http::Proxy of apt)?"
fi
for flavour in ${missing_petsc[@]+"${missing_petsc[@]}"}; do
  package=$(petsc_package "$flavour")
  version=$(apt-cache policy "${package:-none}" | sed -n 's/ *Candidate: *//p')
  case $version in
    "" | "(none)") die "this release has no package for PETSc $flavour (${package:-libpetsc-real3.*-dbg}); build PETSc yourself and set PETSC_DIR" ;;
  esac
  if [ "$flavour" != debug ] && dpkg --compare-versions "$version" lt 3.18; then
    die "this release has PETSc $version, and Dini needs 3.18; build PETSc yourself and set PETSC_DIR and PETSC_ARCH"
  fi
  need "$package"
done
for flavour in ${missing_slepc[@]+"${missing_slepc[@]}"}; do
  case $flavour in
    *64) package=libslepc64-${flavour%64}-dev ;;
    *) package=libslepc-$flavour-dev ;;
  esac
  need "$package"
done
# What comes, in apt's own words, before it comes.
plan=$(apt 30 -q --assume-no --no-install-recommends install "${packages[@]}" 2>&1 || true)
echo "Installing ${packages[*]}"
printf '%s\n' "$plan" | sed -n -e 's/^[0-9]* upgraded, \([0-9]*\) newly.*/  \1 packages, with all that they need/p' \
  -e 's/^Need to get \(.*\) of archives.*/  to download: \1/p' -e 's/^After this operation, \(.*\) of additional.*/  on disk:     \1/p'
apt 30 -qq -o Acquire::Retries=3 -y --no-install-recommends install "${packages[@]}" >/dev/null ||
  give_up "apt-get install failed: ${packages[*]}."
