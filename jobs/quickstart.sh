#!/usr/bin/env bash
# Installs what is missing, builds Dini, and infers a real aquifer's transmissivity from the heads in 85 wells, on 2 ranks,
# with pictures. One of the README's two commands.
#   jobs/quickstart.sh [options of the program...]     environment: DINI_RANKS (2), DINI_RESULTS (build/results/aquifer)
. "$(dirname "$0")/common.sh"

step "What is missing"
petsc-config/install-debian.sh plot
step "Build"
configure release
cmake --build --preset release --target aquifer
step "Aquifer"
examples/aquifer/run.sh build/release/examples/aquifer/aquifer "${DINI_RESULTS:-build/results/aquifer}" "${DINI_RANKS:-2}" "$@"
