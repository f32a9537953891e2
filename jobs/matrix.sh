#!/usr/bin/env bash
# Builds and tests Dini with every PETSc that Debian ships, each with its SLEPc. Fails when one of them fails.
#   jobs/matrix.sh [flavour...]     default: real complex real64 complex64 debug
# The flavours newest and newest-complex are the newest release, built from PyPI's sources by petsc-config/build-newest.sh.
. "$(dirname "$0")/common.sh"
unset PETSC_DIR PETSC_ARCH SLEPC_DIR

flavours=("$@")
[ $# -gt 0 ] || flavours=(real complex real64 complex64 debug)
step "What is missing"
debian=()
for flavour in "${flavours[@]}"; do
  case $flavour in newest*) ;; *) debian+=("$flavour") ;; esac
done
petsc-config/install-debian.sh ${debian[@]+"${debian[@]}"} ${debian[@]+slepc}

# where <flavour>: its PETSC_DIR
where() {
  case $1 in
    newest) petsc-config/build-newest.sh ;;
    newest-complex) petsc-config/build-newest.sh --complex ;;
    *) petsc-config/install-debian.sh --where "$1" ;;
  esac
}

rows=() failed=0
for flavour in "${flavours[@]}"; do
  step "$flavour"
  dir=build/matrix-$flavour
  log=$dir/job.log
  mkdir -p "$dir"
  start=$SECONDS result="build failed" petsc="" slepc="" tests=""
  if dir_petsc=$(where "$flavour") && cmake --preset release -B "$dir" -DPETSC_DIR="$dir_petsc" >"$log" 2>&1 &&
    cmake --build "$dir" >>"$log" 2>&1; then
    result="tests failed"
    if ctest --test-dir "$dir" --no-tests=error --no-label-summary --output-on-failure -j "$cores" </dev/null >>"$log" 2>&1; then
      result=ok
    fi
    tests=$(sed -n 's/.*tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 of \2/p' "$log" | tail -n 1)
  fi
  petsc=$(sed -n 's/^-- PETSc \(.*\), in .*/\1/p' "$log")
  slepc=$(sed -n 's/^-- SLEPc \([0-9.]*\) .*/\1/p' "$log")
  [ "$result" = ok ] || { failed=1; tail -n 60 "$log"; }
  rows+=("$flavour|${petsc:--}|${slepc:--}|${tests:--}|$((SECONDS - start)) s|$result")
done

step "Summary"
printf '%-10s %-58s %-8s %-12s %-7s %s\n' flavour PETSc SLEPc "failed" time result
for row in "${rows[@]}"; do
  IFS='|' read -r flavour petsc slepc tests time result <<<"$row"
  printf '%-10s %-58s %-8s %-12s %-7s %s\n' "$flavour" "$petsc" "$slepc" "$tests" "$time" "$result"
done
exit $failed
