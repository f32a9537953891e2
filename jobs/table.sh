#!/usr/bin/env bash
# Runs the table of transposed solves and writes its page, docs/table.rst.
#   jobs/table.sh [directory...]     further build directories, such as of a complex PETSc, whose tests are run as well
. "$(dirname "$0")/common.sh"

step "What is missing"
petsc-config/install-debian.sh
step "Build"
build release
tables=() status=0
for dir in "$builds/release" "$@"; do
  step "Table: $dir"
  cmake --build "$dir"
  rm -f "$dir"/table/*.csv
  run_tests "$dir" -L table || status=$?
  tables+=("$dir/table")
done
step "Page"
python3 docs/make_table.py docs/table.rst "${tables[@]}"
echo docs/table.rst
exit $status
