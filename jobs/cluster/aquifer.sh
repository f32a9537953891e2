#!/usr/bin/env bash
# The job itself, the same under every batch system and by hand; the batch scripts call it. Run from anywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
. jobs/cluster/site.sh
results=${DINI_RESULTS:-build/results/aquifer-${SLURM_JOB_ID:-${PBS_JOBID:-interactive}}}
examples/aquifer/run.sh "$build/examples/aquifer/aquifer" "$results" "$ranks" -aquifer_cells 1024,768 \
  -aquifer_crossvalidate 10 -dini_view "$@"
echo "results in $results"
