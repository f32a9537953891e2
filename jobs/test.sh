#!/usr/bin/env bash
# Installs what is missing, builds Dini, runs every test. One of the README's two commands.
#   jobs/test.sh [preset] [ctest arguments, such as -L rules or -R t200 ...]
# Presets: release (default), dev, asan, coverage.
# Environment: DINI_BUILD    directory to build in (build)
#              PETSC_DIR, PETSC_ARCH  a PETSc of your own
. "$(dirname "$0")/common.sh"
preset=release
case ${1:-} in
  release | dev | asan | coverage) preset=$1; shift ;;
  "" | -*) ;;
  *) die "unknown preset '$1'; presets are release, dev, asan and coverage, see $0 --help" ;;
esac

step "What is missing"
petsc-config/install-debian.sh slepc ${CI:+adolc} # continuous integration builds every example
step "Build ($preset)"
build "$preset" ${CI:+-DDINI_WERROR=ON} # in continuous integration, warnings are errors
step "Test"
run_tests "$builds/$preset" "$@"
