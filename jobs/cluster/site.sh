# The one place that knows your cluster; sourced by the scripts beside it. Edit three things: modules, PETSc, launcher.

# 1. Modules that give a C compiler, CMake, pkg-config and the MPI that PETSc was built with.
# module purge
# module load gcc openmpi cmake petsc

# 2. PETSc, when the module does not set these. PETSC_ARCH stays empty for an installed (--prefix) PETSc.
# export PETSC_DIR=$HOME/petsc PETSC_ARCH=arch-linux-c-opt

# 3. The launcher, which is given "-n <ranks> <program> <arguments>", and the number of ranks of the job.
if [ -n "${SLURM_JOB_ID:-}" ]; then
  MPIEXEC="srun --cpu-bind=cores"
  ranks=${SLURM_NTASKS:-1}
elif [ -n "${PBS_NODEFILE:-}" ]; then
  MPIEXEC=mpiexec
  ranks=$(wc -l <"$PBS_NODEFILE")
else # an interactive trial
  MPIEXEC=mpiexec
  ranks=${DINI_RANKS:-2}
fi
export MPIEXEC OMP_NUM_THREADS=1

# Where Dini is built, seen from the root of the source tree. Build once, on a login node: jobs/cluster/build.sh
build=build/cluster
