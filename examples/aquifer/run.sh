#!/usr/bin/env bash
# Runs the aquifer example under mpiexec and draws its pictures:
#   run.sh PROGRAM [DIRECTORY [RANKS [options of the program...]]]
# PROGRAM is the built aquifer program; DIRECTORY (default aquifer-results) gets aquifer.vtk, the pictures and run.log.
# MPIEXEC names another launcher, such as srun.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${1:-} in
  "" | -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit $(($# ? 0 : 2)) ;;
esac
program=$1
directory=${2:-aquifer-results}
ranks=${3:-2}
shift $(($# < 3 ? $# : 3))
[[ $ranks =~ ^[1-9][0-9]*$ ]] || { echo "run.sh: '$ranks' is no number of ranks" >&2; exit 2; }
case $directory in /*) ;; *) directory=./$directory ;; esac # whatever its name begins with
mpiexec=${MPIEXEC:-mpiexec}

if [ "$(id -u)" = 0 ]; then # Open MPI refuses root otherwise, as in a container
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
if [ "$ranks" -gt "$(nproc)" ]; then
  export OMPI_MCA_rmaps_base_oversubscribe=1
  export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none # Open MPI 5
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

mkdir -p "$directory"
# shellcheck disable=SC2086 # a launcher may come with options
$mpiexec -n "$ranks" "$program" -aquifer_output "$directory" "$@" | tee -i "$directory/run.log"
if command -v gnuplot >/dev/null; then
  (cd "$directory" && gnuplot "$here/plot.gp")
  echo "pictures: $directory/head.png transmissivity.png residuals.png boundary.png"
  [ ! -f "$directory/posterior.gp" ] || echo "of the posterior: $directory/std.png samples.png spectrum.png"
else
  echo "no gnuplot: pictures left out; $directory/aquifer.vtk opens in ParaView"
fi
