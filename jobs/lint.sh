#!/usr/bin/env bash
# Everything that reads the code without running it: format, warnings, clang-tidy, cppcheck, house rules, the plan of the rooms, documentation.
# Runs all of them and fails if one does.
#   jobs/lint.sh [format|warnings|tidy|cppcheck|house|rooms|docs ...]     default: all
. "$(dirname "$0")/common.sh"

sources() { find include src tests examples -name '*.[ch]' "$@"; }

lint_format() { sources -print0 | xargs -0 clang-format --dry-run -Werror; }

# Every file, and every public header alone, with warnings as errors; leaves compile_commands.json in its build directory for
# the next two.
lint_warnings() {
  build dev
  cmake --build "$builds/dev" --target all_verify_interface_header_sets
}

lint_tidy() {
  sources -name '*.c' -not -path '*/consumer/*' -not -name otherprecision.c -print0 |
    xargs -0 -n 4 -P "$cores" clang-tidy -p "$builds/dev" --quiet --extra-arg=-Wno-unknown-warning-option 2>&1 | { grep -vE '^[0-9]+ warnings generated|^$' || true; }
  return "${PIPESTATUS[0]}"
}

lint_cppcheck() {
  cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j "$cores" \
    -I include -I src/private -I tests --include=jobs/cppcheck.h --suppress=preprocessorErrorDirective src examples tests
}

# Rules of the house that no general tool knows. Each prints the offending lines.
lint_house() {
  local status=0 hits file name version library
  library=$(find src -name '*.c' | sort)
  refuse() { # refuse <what> <lines>
    [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; status=1; }
  }
  refuse "A rule names no KSP, PC or SNES" "$(grep -nE '\b(KSP|PC|SNES)[A-Z]\w*\(' src/rules/*.c)"
  refuse "PETSc releases are told apart in src/private/dinicompat.h only, but for a type in the methods of include/dinimethods.h" \
    "$(grep -rnE 'PETSC_VERSION_(LT|LE|GT|GE|EQ)' src include | grep -vE '^(src/private/dinicompat|include/dinimethods).h')"
  refuse "PETSc's private headers stand behind src/sys/petscaccess.c; those of Dini's own headers declare its own classes" \
    "$(grep -rnE '# *include *[<"](petsc|slepc)/private/' src include | grep -vE '^src/(sys/petscaccess\.c|private/dini\w*impl\.h:[0-9]+:.*petscimpl\.h)')"
  refuse "What a PETSc object keeps to itself is asked for in src/sys/petscaccess.c" \
    "$(grep -rnP '\(\(PetscObject\)[^()]*\)->(?!(type_name|prefix|options|refct)\b)' src | grep -v '^src/sys/petscaccess.c')"
  refuse "The names that PETSc composes its objects with stand in src/sys/petscaccess.c" \
    "$(grep -rPzo --exclude=petscaccess.c '(?m)^.*(PetscObject(Query|Compose)\w*|Petsc(Try|Use)Method)\([^;"]*"(?!Dini)[^;]*;' src | tr '\0' '\n')"
  refuse "No gathering of a distributed vector on one rank in the library" \
    "$(grep -rnE 'VecScatterCreateTo(Zero|All)|MPI_(All)?[gG]ather(v)?\(' src)"
  refuse "No file-scope variables that change (thread and object safety)" \
    "$(grep -nE '^static +[A-Za-z_ ]+[ *]+[a-z]\w*( *=.*)?;' $library | grep -v const)"
  refuse "A static function has its name to itself: suffix it with that of its type or subject" \
    "$(sed -nE '/;$/d; s/^static [A-Za-z_ ]+[ *]+([A-Za-z]\w*)\(.*/\1/p' $library | sort | uniq -d)"
  refuse "Every PETSc and Dini call is checked with PetscCall()" "$(awk '
    /^ +(Dini|Vec|Mat|KSP|SNES|PC|DM|Tao|Petsc(Object|Options|Viewer|Random|Free|Malloc|Print))[A-Z][A-Za-z0-9]*\(.*\);/ && before !~ /[(,]$/ &&
      !/Petsc(OptionsBegin|OptionsEnd|OptionsHead|ObjectComm|ObjectOptionsBegin)/ && !/Dini(CallUser|CallOut|Serve|EachFeature|StackDepth|ParameterOption)/ { print FILENAME ":" FNR ": " $0 }
    { before = $0 }' $library examples/*/*.c)"
  refuse "A public function has one level below its @brief: @level{beginner}, @level{intermediate} or @level{advanced}" "$(find src -name '*.c' -exec awk '
    /^\/\*\*/ { inside = 1; levels = 0 }
    inside && /@level/ { levels += /^  @level[{](beginner|intermediate|advanced)[}]$/ ? 1 : 2 }
    inside && /\*\/$/ { inside = 0; if (levels != 1) { where = FILENAME ":" FNR + 1; getline; print where ": " $0 } }' {} +)"
  for file in $library; do
    grep -q "${file#src/}" src/CMakeLists.txt || refuse "Not in src/CMakeLists.txt, so not built" "$file"
  done
  for file in tests/t[0-9]*.c; do
    name=$(basename "$file" .c)
    [ ! -e "$file" ] || grep -q "dini_test($name\b" tests/CMakeLists.txt || refuse "Not in tests/CMakeLists.txt, so not run" "$file"
  done
  for name in $(grep -rhoE '"-dini_[a-z_]+"' src | tr -d '"' | sort -u); do
    grep -q -- "$name\b" docs/options.rst || refuse "Option missing in docs/options.rst" "$name"
  done
  refuse "Longer than 400 lines; is it one thought?" "$(sources -exec awk 'END { if (NR > 400) print FILENAME, NR }' {} \;)"
  refuse "A public header longer than 250 lines" "$(awk 'FNR == 251 { print FILENAME }' include/*.h)"
  for file in include/*.h; do
    grep -q "$file" CMakeLists.txt || refuse "Not in CMakeLists.txt, so not installed" "$file"
  done
  version=$(sed -n 's/^project(Dini VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
  [ "$version" = "$(sed -n 's/^#define DINI_VERSION_[A-Z]* *\([0-9]*\) .*/\1/p' include/dini.h | paste -sd.)" ] ||
    refuse "Versions differ" "CMakeLists.txt $version, include/dini.h"
  grep -q "^version: $version\$" CITATION.cff || refuse "Versions differ" "CMakeLists.txt $version, CITATION.cff"
  grep -q "^## \[$version\]" CHANGELOG.md || refuse "Versions differ" "CMakeLists.txt $version, CHANGELOG.md"
  return $status
}

# No arrow between rooms runs up, as the object files have it
lint_rooms() {
  build release
  python3 jobs/rooms.py "$builds/release"
}

lint_docs() { jobs/docs.sh; }

step "What is missing"
petsc-config/install-debian.sh lint slepc
failed=()
checks=("$@")
[ $# -gt 0 ] || checks=(format warnings tidy cppcheck house rooms docs)
for check in "${checks[@]}"; do
  step "Lint: $check"
  start=$SECONDS
  # in a subshell of its own, so that set -e holds inside the check
  set +e
  (set -e; "lint_$check") </dev/null
  status=$?
  set -e
  [ $status -eq 0 ] || failed+=("$check")
  echo "$check: $([ $status -eq 0 ] && echo passed || echo FAILED) ($((SECONDS - start)) s)"
done
if [ ${#failed[@]} -gt 0 ]; then
  printf '\nLint failed: %s\n' "${failed[*]}"
  exit 1
fi
printf '\nLint passed: %s\n' "${checks[*]}"
