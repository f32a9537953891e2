#!/usr/bin/env bash
# Builds the newest PETSc and SLEPc releases (PyPI's source packages petsc and slepc) with the MPI, MUMPS, ScaLAPACK and
# SuperLU_DIST of Debian or Ubuntu (their hypre is too old for these releases), once, into a cache outside the source
# tree. Prints the PETSC_DIR, and nothing else, on standard output; progress goes to standard error.
#
#   petsc-config/build-newest.sh [--version x.y.z] [--complex] [--debug] [--where]
#
#   --version x.y.z  this release and the newest SLEPc of its series, instead of the newest
#   --complex        complex scalars
#   --debug          PETSc's debugging checks on
#   --where          prints the PETSC_DIR of what is in the cache and builds nothing; fails when it is not there
#
# The cache is $DINI_CACHE, by default $XDG_CACHE_HOME/dini or ~/.cache/dini. Remove a directory there to build it again.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
die() { say "build-newest.sh: $*"; exit 1; }

version="" scalar=real checks=0 only_where=no
while [ $# -gt 0 ]; do
  case $1 in
    --version) version=${2:?--version needs a release, such as 3.25.6}; shift ;;
    --complex) scalar=complex ;;
    --debug) checks=1 ;;
    --where) only_where=yes ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
  shift
done
cache=${DINI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dini}
flavour=$scalar
[ $checks = 0 ] || flavour=$flavour-debug

# The newest finished build of this flavour in the cache.
cached() {
  local dir newest=""
  for dir in "$cache"/petsc-${version:-*}-"$flavour"; do
    if [ -e "$dir/.complete" ]; then newest=$(printf '%s\n' $newest "$dir" | sort -V | tail -n 1); fi
  done
  printf '%s\n' "$newest"
}
found=$(cached)
if [ -n "$found" ]; then
  printf '%s\n' "$found"
  exit 0
fi
[ $only_where = no ] || die "no PETSc ${version:-newest} ($flavour) in $cache"

# ---- what is missing? ----
packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("${@:2}"); }
header() { local file; for file in "/usr/include/$1" /usr/include/*-linux-*/"$1"; do [ ! -e "$file" ] || return 0; done; packages+=("${@:2}"); }
need gcc gcc libc6-dev
need g++ g++
need gfortran gfortran
need make make
need python3 python3
need mpicc libopenmpi-dev openmpi-bin
header dmumps_c.h libmumps-dev
header superlu-dist/superlu_ddefs.h libsuperlu-dist-dev
[ -e "$(gcc -print-file-name=libscalapack-openmpi.so 2>/dev/null || true)" ] || packages+=(libscalapack-openmpi-dev)
[ -e "$(gcc -print-file-name=liblapack.so 2>/dev/null || true)" ] || packages+=(liblapack-dev libblas-dev)
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "missing: ${packages[*]}; this machine is no Debian or Ubuntu, install them by your own means"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "missing: ${packages[*]}; install them as root: apt-get install ${packages[*]}"
    as_root=(sudo -n)
  fi
  say "Installing what is missing: ${packages[*]}"
  apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" </dev/null >&2; }
  apt update
  apt install -y --no-install-recommends "${packages[@]}" || die "apt-get install failed: ${packages[*]}"
fi

# ---- sources ----
work=$(mktemp -d "${TMPDIR:-/tmp}/dini-petsc.XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" >&2
"$work/venv/bin/pip" --quiet --disable-pip-version-check install setuptools wheel >&2 || die "cannot reach PyPI"
download() { # <requirement>: leaves the source package in $work
  "$work/venv/bin/pip" --quiet --disable-pip-version-check download --no-deps --no-build-isolation \
    --no-binary :all: -d "$work" "$1" >&2 ||
    die "cannot download $1 from PyPI; is the network up?"
}
download "petsc${version:+==$version}"
archive=$(ls "$work"/petsc-*.tar.gz)
version=${archive##*/petsc-}
version=${version%.tar.gz}
found=$(cached)
if [ -n "$found" ]; then
  printf '%s\n' "$found"
  exit 0
fi
download "slepc==${version%.*}.*"
prefix=$cache/petsc-$version-$flavour
mkdir -p "$cache"
rm -rf "$prefix"
for archive in "$work"/*.tar.gz; do tar -xzf "$archive" -C "$work"; done

# ---- PETSc, then SLEPc into the same prefix ----
log=$cache/petsc-$version-$flavour.log
: >"$log"
run() { "$@" >>"$log" 2>&1 || { tail -n 40 "$log" >&2; die "failed: $*; all output is in $log"; }; }
unset PETSC_DIR PETSC_ARCH SLEPC_DIR
options=(--prefix="$prefix" --with-debugging=$checks --with-scalar-type=$scalar --with-shared-libraries=1
  --with-x=0 --with-petsc4py=0 --with-make-np="$(nproc)" --with-fortran-bindings=0
  --with-mpi=1 --CC=mpicc --CXX=mpicxx --FC=mpif90
  --with-mumps=1 --with-mumps-include=/usr/include "--with-mumps-lib=-ldmumps -lzmumps -lsmumps -lcmumps -lmumps_common -lpord"
  --with-scalapack=1 --with-scalapack-lib=-lscalapack-openmpi
  --with-superlu_dist=1 --with-superlu_dist-include=/usr/include/superlu-dist --with-superlu_dist-lib=-lsuperlu_dist)
[ $checks = 1 ] || options+=("COPTFLAGS=-O2" "CXXOPTFLAGS=-O2" "FOPTFLAGS=-O2")
say "Building PETSc $version ($flavour) into $prefix; this takes a quarter of an hour on two cores"
cd "$work/petsc-$version"
run ./configure PETSC_DIR="$PWD" PETSC_ARCH=arch-dini "${options[@]}"
run make PETSC_DIR="$PWD" PETSC_ARCH=arch-dini all
run make PETSC_DIR="$PWD" PETSC_ARCH=arch-dini install
say "Building SLEPc for it"
cd "$work"/slepc-*/
run env PETSC_DIR="$prefix" SLEPC_DIR="$PWD" ./configure --prefix="$prefix"
run make PETSC_DIR="$prefix" SLEPC_DIR="$PWD" all
run make PETSC_DIR="$prefix" SLEPC_DIR="$PWD" install
touch "$prefix/.complete"
printf '%s\n' "$prefix"
