#!/usr/bin/env bash
# Builds the library and the examples for the cluster that site.sh describes. Run on a login node; installs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. jobs/cluster/site.sh
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DPETSC_DIR="${PETSC_DIR:-}" -DPETSC_ARCH="${PETSC_ARCH:-}"
cmake --build "$build" --parallel 4
