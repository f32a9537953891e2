#!/usr/bin/env bash
# Runs the aquifer example under mpiexec and draws its pictures:
#   run.sh PROGRAM [DIRECTORY [RANKS [options of the program...]]]
# PROGRAM is the built aquifer program; DIRECTORY (default aquifer-results) gets aquifer.vtk, the pictures and run.log.
# MPIEXEC names another launcher, such as srun.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
program=$1
directory=${2:-aquifer-results}
ranks=${3:-2}
shift $(($# < 3 ? $# : 3))
mpiexec=${MPIEXEC:-mpiexec}

if [ "$(id -u)" = 0 ]; then # Open MPI refuses root otherwise, as in a container
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
if [ "$ranks" -gt "$(nproc)" ]; then
  export OMPI_MCA_rmaps_base_oversubscribe=1
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

mkdir -p "$directory"
# shellcheck disable=SC2086 # a launcher may come with options
$mpiexec -n "$ranks" "$program" -aquifer_output "$directory" "$@" | tee "$directory/run.log"
if command -v gnuplot >/dev/null; then
  gnuplot -e "dir='$directory'" "$here/plot.gp"
  echo "pictures: $directory/head.png transmissivity.png residuals.png boundary.png"
  [ ! -f "$directory/posterior.gp" ] || echo "of the posterior: $directory/std.png samples.png spectrum.png"
else
  echo "no gnuplot: pictures left out; $directory/aquifer.vtk opens in ParaView"
fi
