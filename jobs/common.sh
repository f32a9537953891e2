# Shared by the scripts in jobs/; sourced, not run. Leaves the caller in the root of the source tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

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
  if ! log=$(cmake --preset "$preset" -DPETSC_DIR="${PETSC_DIR:-}" -DPETSC_ARCH="${PETSC_ARCH:-}" "$@" 2>&1); then
    printf '%s\n' "$log" >&2
    return 1
  fi
  printf '%s\n' "$log" | grep -E '^-- (PETSc|SLEPc) ' || true
}

# build <preset> [cmake arguments...]: configures and compiles in build/<preset>
build() {
  configure "$@"
  cmake --build --preset "$1"
}
