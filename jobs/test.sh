#!/usr/bin/env bash
# Installs what is missing, builds Dini, runs every test. One of the README's two commands.
#   jobs/test.sh [preset] [ctest arguments...]     preset: release (default), dev, asan, coverage
preset=release
case ${1:-} in
  release | dev | asan | coverage) preset=$1; shift ;;
esac
. "$(dirname "$0")/common.sh"

step "What is missing"
petsc-config/install-debian.sh slepc ${CI:+adolc} # continuous integration builds every example
step "Build ($preset)"
build "$preset" ${CI:+-DDINI_WERROR=ON} # in continuous integration, warnings are errors
step "Test"
ctest --preset "$preset" --no-tests=error --no-label-summary -j "$cores" "$@" </dev/null
