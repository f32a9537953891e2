#!/usr/bin/env bash
# Builds and tests Dini with every PETSc that Debian ships, each with its SLEPc. Fails when one of them fails.
#   jobs/matrix.sh [flavour...]     default: real complex real64 complex64 debug
# The flavours newest and newest-complex are the newest release, built from PyPI's sources by petsc-config/build-newest.sh.
# The rows bare12 and bare13 are both commands of the README on a bare Debian 12 and 13, see jobs/bare.sh.
. "$(dirname "$0")/common.sh"
unset PETSC_DIR PETSC_ARCH SLEPC_DIR

flavours=("$@")
[ $# -gt 0 ] || flavours=(real complex real64 complex64 debug)
step "What is missing"
debian=() here=0
for flavour in "${flavours[@]}"; do
  case $flavour in
    bare12 | bare13) continue ;;
    newest | newest-complex) ;;
    *) debian+=("$flavour") ;;
  esac
  here=1
done
[ $here = 0 ] || petsc-config/install-debian.sh ${debian[@]+"${debian[@]}"} ${debian[@]+slepc}

# where <flavour>: its PETSC_DIR
where() {
  case $1 in
    newest) petsc-config/build-newest.sh ;;
    newest-complex) petsc-config/build-newest.sh --complex ;;
    *) petsc-config/install-debian.sh --where "$1" ;;
  esac
}

# row <flavour> <directory>: builds, looks at the plan of the house and tests; result says how far that went
row() {
  local petsc
  case $1 in
    bare*)
      result=failed
      if jobs/bare.sh "$1"; then result=ok; fi
      return
      ;;
  esac
  result="build failed"
  if petsc=$(where "$1") && cmake --preset release -B "$2" -DPETSC_DIR="$petsc" && cmake --build "$2"; then
    result="an arrow runs up" # what complex scalars alone use, say
    python3 jobs/rooms.py "$2" || return 0
    result="tests failed"
    if run_tests "$2"; then result=ok; fi
  fi
}

rows=() failed=0
for flavour in "${flavours[@]}"; do
  step "$flavour"
  dir=$builds/matrix-$flavour
  log=$dir/job.log
  mkdir -p "$dir"
  start=$SECONDS
  row "$flavour" "$dir" >"$log" 2>&1
  tests=$(sed -n 's/.*tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 of \2/p' "$log" | tail -n 1)
  petsc=$(sed -n 's/^-- PETSc \(.*\), in .*/\1/p' "$log" | tail -n 1)
  slepc=$(sed -n 's/^-- SLEPc \([0-9.]*\) .*/\1/p' "$log" | tail -n 1)
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
