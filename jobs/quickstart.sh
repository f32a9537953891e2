#!/usr/bin/env bash
# Installs what is missing, builds Dini, and infers a real aquifer's transmissivity from the heads in 85 wells, on 2 ranks,
# with pictures. One of the README's two commands.
#   jobs/quickstart.sh [options of the program, such as -aquifer_cells 256,192 ...]
# Environment: DINI_RANKS    number of MPI ranks (2)
#              DINI_RESULTS  directory of the pictures (results/aquifer in DINI_BUILD)
#              DINI_BUILD    directory to build in (build)
#              PETSC_DIR, PETSC_ARCH  a PETSc of your own
. "$(dirname "$0")/common.sh"
ranks=${DINI_RANKS:-2}
results=${DINI_RESULTS:-$builds/results/aquifer}
[[ $ranks =~ ^[1-9][0-9]{0,2}$ ]] || die "DINI_RANKS is '$ranks': a number of ranks from 1 to 999 is needed"
case ${1:--} in -*) ;; *) die "unknown argument '$1'; options of the program begin with a dash, see $0 --help" ;; esac
for word in "$@"; do
  case $word in --*) die "unknown argument '$word'; options of the program begin with one dash, see $0 --help" ;; esac
done
mkdir -p -- "$results" && [ -w "$results" ] || die "cannot write to DINI_RESULTS, $results"

step "What is missing"
petsc-config/install-debian.sh plot
step "Build"
configure release
cmake --build "$builds/release" --target aquifer
step "Aquifer"
examples/aquifer/run.sh "$builds/release/examples/aquifer/aquifer" "$results" "$ranks" "$@"
