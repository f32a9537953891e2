/* A bench runs a forward solve and then one way to its gradient, and takes their times. */
#include "benchmark.h"
#include <petsctime.h>

PetscErrorCode Clock(MPI_Comm comm, PetscLogDouble *now)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(comm));
  PetscCall(PetscTime(now));
  PetscFunctionReturn(0);
}

PetscErrorCode Elapsed(MPI_Comm comm, PetscLogDouble since, PetscLogDouble *seconds)
{
  PetscLogDouble now;

  PetscFunctionBeginUser;
  PetscCall(PetscTime(&now));
  now -= since;
  PetscCallMPI(MPI_Allreduce(&now, seconds, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode BenchCreate(MPI_Comm comm, Bench *bench)
{
  Problem *problem = &bench->problem;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(bench, sizeof(*bench)));
  PetscCall(ProblemCreate(comm, problem));
  PetscCall(DiniCreate(comm, &bench->dini));
  PetscCall(DiniSetSNES(bench->dini, problem->snes));
  PetscCall(DiniAddParameter(bench->dini, "m", problem->m, NULL));
  PetscCall(DiniSetParameterUpdate(bench->dini, 0, ProblemLoad, problem));
  PetscCall(DiniSetParameterJacobian(bench->dini, 0, problem->Fm, NULL, NULL));
  PetscCall(DiniSetFromOptions(bench->dini));
  PetscCall(VecDuplicate(problem->u, &bench->ubar));
  PetscCall(VecDuplicate(problem->u, &bench->ubar2));
  for (Method method = 0; method < METHOD_MAX; method++) {
    PetscCall(VecDuplicate(problem->m, &bench->g[method]));
    PetscCall(VecDuplicate(problem->m, &bench->g2[method]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode BenchDestroy(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&bench->dini));
  PetscCall(AdjointDestroy(&bench->adjoint));
  PetscCall(VecDestroy(&bench->ubar));
  PetscCall(VecDestroy(&bench->ubar2));
  for (Method method = 0; method < METHOD_MAX; method++) {
    PetscCall(VecDestroy(&bench->g[method]));
    PetscCall(VecDestroy(&bench->g2[method]));
  }
  PetscCall(ProblemDestroy(&bench->problem));
  PetscFunctionReturn(0);
}

/* The cotangents of two objectives, |u - 1|^2 / 2 and the mean of u^3 / 3, for the next gradients */
static PetscErrorCode SetCotangents(Bench *bench)
{
  const PetscReal volume = bench->problem.grid.volume;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(bench->problem.u, bench->ubar));
  PetscCall(VecShift(bench->ubar, -1.0));
  PetscCall(VecScale(bench->ubar, volume));
  PetscCall(VecPointwiseMult(bench->ubar2, bench->problem.u, bench->problem.u));
  PetscCall(VecScale(bench->ubar2, volume));
  PetscFunctionReturn(0);
}

/*
  The forward solve from the same initial guess, by the same SNES. What DiniSolve() does beyond SNESSolve() is charged to the
  gradient, here by starting its account with it.
*/
PetscErrorCode BenchForward(Bench *bench, Method method)
{
  Problem       *problem = &bench->problem;
  MPI_Comm       comm    = PetscObjectComm((PetscObject)problem->snes);
  DiniStatistics before, after;
  PetscLogDouble start, all;

  PetscFunctionBeginUser;
  PetscCall(ProblemInitialGuess(problem));
  PetscCall(DiniGetStatistics(bench->dini, &before));
  PetscCall(Clock(comm, &start));
  if (method == METHOD_DINI) PetscCall(DiniSolve(bench->dini, problem->u));
  else PetscCall(SNESSolve(problem->snes, NULL, problem->u));
  PetscCall(Elapsed(comm, start, &all));
  PetscCall(DiniGetStatistics(bench->dini, &after));
  bench->forward = all;
  if (method == METHOD_DINI) {
    PetscReal inside = after.forward_seconds - before.forward_seconds;

    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &inside, 1, MPIU_REAL, MPIU_MAX, comm));
    bench->forward = (PetscLogDouble)inside;
  }
  bench->gradient = PetscMax(all - bench->forward, 0.0);
  PetscCall(SNESGetIterationNumber(problem->snes, &bench->newton));
  PetscCall(SNESGetLinearSolveIterations(problem->snes, &bench->krylov));
  PetscCall(SetCotangents(bench));
  PetscFunctionReturn(0);
}

PetscErrorCode BenchGradient(Bench *bench, Method method, PetscBool again)
{
  Vec ubar = again ? bench->ubar2 : bench->ubar, g = again ? bench->g2[method] : bench->g[method];

  PetscFunctionBeginUser;
  if (method == METHOD_DINI) {
    DiniStatistics before, after;

    PetscCall(DiniGetStatistics(bench->dini, &before));
    PetscCall(DiniVJP(bench->dini, ubar, g));
    PetscCall(DiniGetStatistics(bench->dini, &after));
    bench->iterations = after.adjoint_iterations - before.adjoint_iterations;
    if (!again) bench->rung = after.adjoint_rung;
  } else {
    if (!bench->adjoint.ksp) PetscCall(AdjointCreate(&bench->problem, &bench->adjoint));
    PetscCall(AdjointGradient(&bench->adjoint, (PetscBool)(method == METHOD_EXPERT), again, ubar, g));
    bench->iterations = bench->adjoint.iterations;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode BenchRun(Bench *bench, Method method, PetscBool again)
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)bench->dini);
  PetscLogDouble start, seconds;
  PetscInt       iterations;

  PetscFunctionBeginUser;
  PetscCall(BenchForward(bench, method));
  PetscCall(Clock(comm, &start));
  PetscCall(BenchGradient(bench, method, PETSC_FALSE));
  PetscCall(Elapsed(comm, start, &seconds));
  bench->gradient += seconds;
  if (!again) PetscFunctionReturn(0);
  iterations = bench->iterations;
  PetscCall(Clock(comm, &start));
  PetscCall(BenchGradient(bench, method, PETSC_TRUE));
  PetscCall(Elapsed(comm, start, &bench->again));
  bench->iterations = iterations;
  PetscFunctionReturn(0);
}

/* The difference of a gradient from the expert's, relative */
static PetscErrorCode Difference(Vec g, Vec expert, PetscReal *difference)
{
  Vec       e;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(g, &e));
  PetscCall(VecWAXPY(e, -1.0, expert, g));
  PetscCall(VecNorm(e, NORM_2, difference));
  PetscCall(VecNorm(expert, NORM_2, &norm));
  *difference /= norm;
  PetscCall(VecDestroy(&e));
  PetscFunctionReturn(0);
}

PetscErrorCode BenchDifference(Bench *bench, Method method, PetscReal *difference)
{
  PetscReal second;

  PetscFunctionBeginUser;
  PetscCall(Difference(bench->g[method], bench->g[METHOD_EXPERT], difference));
  PetscCall(Difference(bench->g2[method], bench->g2[METHOD_EXPERT], &second));
  *difference = PetscMax(*difference, second);
  PetscCheck(*difference < 1e-7, PetscObjectComm((PetscObject)bench->dini), PETSC_ERR_PLIB,
             "Gradients disagree: way %d differs from the expert's by %g relative", (int)method, (double)*difference);
  PetscFunctionReturn(0);
}
