#!/usr/bin/env bash
# What a gradient costs, against the adjoint that an expert writes by hand and against the forward solve: times, memory and
# counts in CSV files, plots, and the page of the documentation. Leave the machine alone meanwhile.
#   jobs/benchmark.sh [quick|full] [directory]
#     full   (default) about 20 minutes on 2 cores; writes docs/performance/ and docs/performance.rst
#     quick  about 2 minutes; writes performance/ in the build directory
set=full
case ${1:-} in
  quick | full) set=$1; shift ;;
esac
directory=${1:-}
. "$(dirname "$0")/common.sh"
if [ -z "$directory" ]; then
  [ "$set" = full ] && directory=docs/performance || directory=$builds/performance
fi
program=$builds/release/tests/performance/benchmark
page=$directory/performance.rst
[ "$directory" != docs/performance ] || page=docs/performance.rst
failed=0

# shellcheck disable=SC2034 # run() takes the solver's options by name
{
  mumps="-label mumps -pc_type lu -pc_factor_mat_solver_type mumps -ksp_type preonly"
  gamg="-label gamg -pc_type gamg -mg_levels_ksp_type chebyshev -mg_levels_pc_type jacobi"
  bjacobi="-label bjacobi -pc_type bjacobi"
  jacobi="-label jacobi -pc_type jacobi"
  hypre="-label hypre -pc_type hypre -pc_hypre_type boomeramg"
}

# run <csv> <ranks> <solver> [options...]: one configuration; a solver that PETSc lacks is passed over
run() {
  local csv=$1 ranks=$2 solver=$3
  shift 3
  case $solver in
    mumps | hypre) grep -qx "$solver" <<<"$packages" || return 0 ;;
  esac
  printf '%s, ranks %s: %s\n' "$solver" "$ranks" "$*"
  # shellcheck disable=SC2086 # the solver's options are words
  if ! timeout 900 mpiexec -n "$ranks" "$program" -csv "$directory/$csv.csv" ${!solver} "$@" </dev/null >"$log" 2>&1; then
    failed=$((failed + 1))
    tail -n 20 "$log"
  fi
}
timing() { run benchmark "$@" -snes_rtol 1e-8; }
# the gradient in every entry of a linear system's matrix: a program of its own
entries() {
  local program=$builds/release/tests/performance/benchmark_entries
  run entries "$@"
}
memory() { run memory "$@" -snes_rtol 1e-8 -mode memory -malloc_dump; }
model() { run model "$@" -snes_rtol 1e-8 -mode model; }

quick() {
  local n
  for n in 64 128 256; do
    timing 1 mumps -grid $n -repeat 3 -objectives $((n == 128 ? 16 : 0))
    timing 1 gamg -grid $n -repeat 3 -objectives 0
  done
  for n in 1 100; do timing 1 mumps -grid 128 -repeat 3 -objectives 0 -p $n; done
  timing 2 mumps -grid 128 -repeat 3
  timing 2 gamg -grid 256 -repeat 3 -objectives 0
  timing 1 gamg -dim 3 -grid 24 -repeat 3 -objectives 0
  timing 1 bjacobi -grid 64 -repeat 3 -objectives 0
  timing 1 jacobi -grid 64 -repeat 3 -objectives 0
  timing 1 hypre -grid 128 -repeat 3 -objectives 0
  timing 1 mumps -problem advection -grid 64 -repeat 3 -objectives 0
  timing 1 bjacobi -problem advection -grid 64 -repeat 3 -objectives 0
  entries 1 mumps -grid 200 -repeat 3
  memory 1 mumps -grid 128
  memory 1 gamg -grid 128
  for n in 1 2 4; do model $n gamg -grid 128; done
}

full() {
  local n
  for n in 128 256; do
    for ranks in 1 2; do
      timing $ranks mumps -grid $n -objectives_repeat 3
      timing $ranks gamg -grid $n -objectives 0
      timing $ranks bjacobi -grid $n -objectives 0 -repeat 3
      timing $ranks hypre -grid $n -objectives 0
    done
  done
  for n in 1 100 10000; do
    timing 1 mumps -grid 256 -objectives 0 -p $n
    timing 1 gamg -grid 256 -objectives 0 -p $n
  done
  timing 1 jacobi -grid 128 -objectives 0 -repeat 3
  timing 1 gamg -grid 256 -repeat 3 -p 1000
  for ranks in 1 2; do
    timing $ranks mumps -grid 512 -repeat 3 -objectives $((ranks == 1 ? 16 : 0))
    timing $ranks gamg -grid 512 -repeat 3 -objectives 0
    timing $ranks hypre -grid 512 -repeat 3 -objectives 0
    timing $ranks gamg -dim 3 -grid 24 -objectives 0
    timing $ranks gamg -dim 3 -grid 48 -repeat 3 -objectives 0
    timing $ranks hypre -dim 3 -grid 48 -repeat 3 -objectives 0
    timing $ranks mumps -problem advection -grid 128 -objectives 0
    timing $ranks bjacobi -problem advection -grid 128 -objectives 0
  done
  timing 2 gamg -grid 1024 -repeat 3 -objectives 0
  timing 1 mumps -dim 3 -grid 24 -repeat 3 -objectives 0
  timing 2 bjacobi -dim 3 -grid 48 -repeat 3 -objectives 0
  timing 1 mumps -problem advection -grid 256 -repeat 3 -objectives 0
  timing 2 hypre -grid 1024 -repeat 3 -objectives 0
  timing 2 gamg -dim 3 -grid 101 -repeat 1 -objectives 0
  for n in 250 500 1000; do
    for ranks in 1 2; do entries $ranks mumps -grid $n; done
  done
  for n in 128 512; do
    memory 1 mumps -grid $n
    memory 1 gamg -grid $n
    memory 2 bjacobi -grid $((n / 2))
  done
  for n in 1 2 4 8 16; do model $n gamg -grid 256; done
}

step "Build"
petsc-config/install-debian.sh
petsc-config/install-debian.sh plot
configure release -DBUILD_TESTING=ON
cmake --build "$builds/release" --target benchmark benchmark_entries
mkdir -p "$directory"
rm -f "$directory"/{benchmark,entries,memory,model,machine}.csv
log=$(mktemp)
trap 'rm -f "$log"' EXIT
packages=$(mpiexec -n 1 "$program" -mode packages </dev/null)
printf 'set,cores,blas\n%s,%s,%s\n' "$set" "$cores" "$(blas "$program")" >"$directory/machine.csv"

step "Run: $set"
start=$SECONDS
"$set"
step "Plots and page ($((SECONDS - start)) s of runs)"
if command -v gnuplot >/dev/null; then
  python3 docs/make_performance.py plots "$directory" | gnuplot
else
  echo "no plots: gnuplot is missing"
fi
python3 docs/make_performance.py page "$directory" >"$page"
echo "$page"
if [ "$failed" -gt 0 ]; then
  echo "$failed configurations failed"
  exit 1
fi
