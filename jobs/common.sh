# Shared by the scripts in jobs/; sourced, not run. Leaves the caller in the root of the source tree.
#   --help anywhere among the arguments prints the comment at the head of the script, and nothing is run
#   DINI_BUILD names the directory of builds and results (default: build, in the source tree, which may be read-only then)
set -euo pipefail

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }

# absolute <path>: as seen from the directory in which the script was called
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$PWD/$1" ;; esac; }

for word in "$@"; do
  case $word in
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  esac
done
[ -z "${DINI_BUILD:-}" ] || DINI_BUILD=$(absolute "$DINI_BUILD")
[ -z "${DINI_RESULTS:-}" ] || DINI_RESULTS=$(absolute "$DINI_RESULTS")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
builds=${DINI_BUILD:-build}
mkdir -p -- "$builds" && [ -w "$builds" ] || die "cannot write to $(absolute "$builds"): name another directory, as in DINI_BUILD=/tmp/dini"
[ -z "${PETSC_ARCH:-}" ] || [ -n "${PETSC_DIR:-}" ] ||
  die "PETSC_ARCH=$PETSC_ARCH is set without PETSC_DIR, so that it names no PETSc: set PETSC_DIR too, or unset PETSC_ARCH"

cores=$(getconf _NPROCESSORS_ONLN) # not nproc, which takes OMP_NUM_THREADS for an answer
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$cores}
export LC_ALL=C.UTF-8 # decimal points, and the degree sign in pictures
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export OMPI_MCA_rmaps_base_oversubscribe=1           # more ranks than cores
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none # Open MPI 5
export OMPI_MCA_mpi_yield_when_idle=1                # waiting ranks let others run
export OMPI_MCA_btl_vader_single_copy_mechanism=none # containers forbid it
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# step <text>: a line that says what comes
step() { printf '\n== %s\n' "$*"; }

# configure <preset> [cmake arguments...]: quiet unless it fails; PETSc is the one of PETSC_DIR, or pkg-config's first
configure() {
  local preset=$1 log
  shift
  if ! log=$(cmake --preset "$preset" -B "$builds/$preset" -DPETSC_DIR="${PETSC_DIR:-}" -DPETSC_ARCH="${PETSC_ARCH:-}" "$@" 2>&1); then
    printf '%s\n' "$log" >&2
    return 1
  fi
  printf '%s\n' "$log" | grep -E '^-- (PETSc|SLEPc) ' || true
}

# build <preset> [cmake arguments...]: configures and compiles in $builds/<preset>
build() {
  configure "$@"
  cmake --build "$builds/$1"
}

# run_tests <directory> [ctest arguments...]
run_tests() {
  local dir=$1
  shift
  ctest --test-dir "$dir" --no-tests=error --no-label-summary --output-on-failure -j "$cores" "$@" </dev/null
}

# blas <program>: the BLAS that it loads, such as "libopenblas0-serial 0.3.21" (Debian's package) or the path of its file
blas() {
  local file package
  file=$(ldd "$1" | sed -n '/\(blas\|mkl_rt\|mkl_core\|blis\|armpl\|libsci\)/s/.*=> \([^ ]*\) .*/\1/p' | head -n 1)
  [ -n "$file" ] || { echo "unknown BLAS"; return 0; }
  file=$(readlink -f "$file")
  package=$(dpkg -S "$file" 2>/dev/null | sed 's/:.*//' | head -n 1) || package=""
  if [ -n "$package" ]; then dpkg-query -W -f '${Package} ${Version}\n' "$package" | head -n 1; else printf '%s\n' "$file"; fi
}
