#!/usr/bin/env bash
# Random relations, solvers and sequences of calls, each result held against dense derivatives; see tests/fuzz/.
usage() {
  cat <<'TEXT'
jobs/fuzz.sh [minutes] [options]        default: 10 minutes
  --cases N        stop after N cases in all; without minutes, however long that takes
  --first SEED     seed of the first case (default: 1); a seed is the same case on every machine
  --ranks "1 2 3"  numbers of ranks, in turn (default: 1 2 3)
  --mode NAME      relation (default), continuation, posterior, eigen; the last two with SLEPc
  --preset NAME    release (default), dev or asan; built in build/NAME
  --build DIR      a build directory that exists already, of another PETSc, say
  --petsc FLAVOUR  one of Debian's PETSc, in build/fuzz-FLAVOUR: real, complex, real64, complex64, debug
  --avoid WORDS    subjects left out; "fuzz -help" lists them
  --limit SECONDS  that one case may take (default: 60)
  --seed SEED      one case, described as it runs, on the first of the ranks
PETSC_DIR and PETSC_ARCH name another PETSc. What fails is listed with the command that repeats it, and goes to
fuzz/failures.txt in the build directory. Exits with 1 if anything was wrong, crashed, hung, or raised an error that is
not Dini's own, or not on all ranks.
TEXT
}
mode=relation minutes="" cases="" first=1 ranks="1 2 3" preset=release dir="" flavour="" limit=60 seed="" avoid=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --mode | --cases | --first | --ranks | --preset | --build | --petsc | --avoid | --limit | --seed)
      [ $# -gt 1 ] || { echo "$1 needs a value; see --help" >&2; exit 2; }
      case $1 in
        --mode) mode=$2 ;;
        --cases) cases=$2 ;;
        --first) first=$2 ;;
        --ranks) ranks=$2 ;;
        --preset) preset=$2 ;;
        --build) dir=$2 ;;
        --petsc) flavour=$2 ;;
        --avoid) avoid=(-avoid "$2") ;;
        --limit) limit=$2 ;;
        --seed) seed=$2 ;;
      esac
      shift
      ;;
    *) minutes=$1 ;;
  esac
  shift
done
for number in ${minutes:+"$minutes"} ${cases:+"$cases"} "$first" "$limit" ${seed:+"$seed"} $ranks; do
  [[ $number =~ ^[0-9]+$ ]] || { echo "\"$number\" is not a number; see --help" >&2; exit 2; }
done
[ -n "$cases" ] || minutes=${minutes:-10}
. "$(dirname "$0")/common.sh"

step "Build"
if [ -n "$dir" ]; then
  cmake --build "$dir" --target fuzz
elif [ -n "$flavour" ]; then
  dir=build/fuzz-$flavour
  petsc-config/install-debian.sh "$flavour"
  cmake -B "$dir" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON -DPETSC_DIR="$(petsc-config/install-debian.sh --where "$flavour")" >/dev/null
  cmake --build "$dir" --target fuzz
else
  dir=build/$preset
  petsc-config/install-debian.sh
  configure "$preset" -DBUILD_TESTING=ON
  cmake --build --preset "$preset" --target fuzz
fi
program=$dir/tests/fuzz/fuzz
mkdir -p "$dir/fuzz"
journal=$dir/fuzz/journal output=$dir/fuzz/output failures=$dir/fuzz/failures.txt
: >"$failures"
mpiexec -n 1 "$program" -mode "$mode" -cases 0 >"$output" 2>&1 </dev/null || die "this build has no mode \"$mode\"; see --help"

if [ -n "$seed" ]; then
  exec mpiexec -n "${ranks%% *}" "$program" -mode "$mode" -seed "$seed" -limit "$limit" ${avoid[@]+"${avoid[@]}"}
fi

# One chunk of seeds on n ranks: after a crash or a hang, on with the seed behind it
chunk() { # chunk <ranks> <first> <last>
  local n=$1 from=$2 last=$3 status stopped
  while [ "$from" -le "$last" ]; do
    status=0
    timeout $((limit + 5 * (last - from + 1))) mpiexec -n "$n" "$program" -mode "$mode" -first "$from" -cases $((last - from + 1)) \
      -journal "$journal" -limit "$limit" ${avoid[@]+"${avoid[@]}"} >"$output" 2>"$output.errors" </dev/null || status=$?
    grep -a '^FAIL' "$output" | sed "s/^FAIL/FAIL ranks $n/" | tee -a "$failures" || true
    grep -a '^fuzz:' "$output" >>"$output.totals" || true
    [ $status -gt 1 ] || return 0
    stopped=$(cat "$journal")
    { grep -am 1 '^FAIL' "$output.errors" || echo "FAIL seed $stopped: stopped, exit code $status"; } |
      sed "s/^FAIL/FAIL ranks $n/" | tee -a "$failures"
    from=$((stopped + 1))
  done
}

step "Run: $mode, seeds from $first, ranks $ranks${minutes:+, $minutes minutes}${cases:+, $cases cases}"
start=$SECONDS done=0 size=100
: >"$output.totals"
while { [ -z "$cases" ] || [ $done -lt "$cases" ]; } && { [ -z "$minutes" ] || [ $((SECONDS - start)) -lt $((60 * minutes)) ]; }; do
  for n in $ranks; do
    [ -z "$cases" ] || [ $((cases - done)) -ge $size ] || size=$((cases - done))
    [ $size -gt 0 ] || break
    chunk "$n" $((first + done)) $((first + done + size - 1))
    done=$((done + size))
  done
  printf '%d cases, %d s, %d failed\n' $done $((SECONDS - start)) "$(cut -d: -f1 "$failures" | sort -u | wc -l)"
done

step "Summary: seeds $first to $((first + done - 1)), $done cases"
awk '{ for (i = 2; i <= NF; i++) { if ($i ~ /^right/) r += $(i - 1); if ($i ~ /^told/) t += $(i - 1); if ($i ~ /^refused/) s += $(i - 1); if ($i ~ /^named/) n += $(i - 1) } }
  END { printf "right %d, with an error that is told %d, refused %d, named %d\n", r, t, s, n }' "$output.totals"
if [ -s "$failures" ]; then
  printf 'failed: %s; repeat one with\n' "$(cut -d: -f1 "$failures" | sort -u | wc -l)"
  awk -v program="$program -mode $mode" -v avoid="${avoid[*]-}" '{ sub(":", "", $5); if (!seen[$3 " " $5]++ && ++lines <= 20)
    print "  mpiexec -n " $3 " " program " -seed " $5 " " avoid }' "$failures"
  exit 1
fi
echo "nothing wrong, crashed or hung"
