/*
  Reductions cost a latency each, and a derivative asks many small questions of all ranks: whether the point is still there,
  whether J is, whether what is handed in and out has the right layout and is finite. Those that can be answered before a linear
  solve are answered by one reduction, that of the look at the point where there is one; whoever asks later is told at once.
*/
#include "../private/diniimpl.h"

/* What a call is handed, and what it returns: vectors laid out as the state, or as all active parameters */
PetscErrorCode DiniAhead_Private(Dini dini, DiniDirection direction, Vec in, Vec out)
{
  const int  state = direction == DINI_ADJOINT ? 0 : 1;
  DiniAhead *ahead = &dini->call->ahead;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(ahead, sizeof(*ahead)));
  ahead->v[0]     = in;
  ahead->v[1]     = out;
  ahead->n[state] = dini->n;
  ahead->N[state] = dini->N;
  PetscCall(DiniParameterLayout_Private(dini, &ahead->n[!state], &ahead->N[!state]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is v on the communicator of the Dini, with this global size? The same answer on all ranks */
static PetscErrorCode DiniComparable(Dini dini, Vec v, PetscInt N, PetscBool *yes)
{
  PetscMPIInt result;
  PetscInt    size;

  PetscFunctionBegin;
  *yes = PETSC_FALSE;
  if (!v) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_compare(PetscObjectComm((PetscObject)dini), PetscObjectComm((PetscObject)v), &result));
  if (result != MPI_IDENT && result != MPI_CONGRUENT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetSize(v, &size));
  *yes = (PetscBool)(size == N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's share: whether layouts are wrong, and the squares of what is handed in. Nothing where nobody has asked */
PetscErrorCode DiniAheadMine_Private(Dini dini, PetscReal mine[DINI_AHEAD])
{
  const DiniAhead *ahead = dini->call ? &dini->call->ahead : NULL;
  PetscBool        comparable;
  PetscInt         n;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(mine, DINI_AHEAD));
  if (!ahead || !ahead->v[0] || ahead->told) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < 2; k++) {
    mine[k] = 1.0;
    PetscCall(DiniComparable(dini, ahead->v[k], ahead->N[k], &comparable));
    if (!comparable) continue;
    PetscCall(VecGetLocalSize(ahead->v[k], &n));
    mine[k] = n == ahead->n[k] ? 0.0 : 1.0;
  }
  if (mine[0] == 0.0) PetscCall(DiniSquares_Private(ahead->v[0], &mine[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sums over all ranks. What is wrong is left for those to find who have words for it. */
PetscErrorCode DiniAheadTold_Private(Dini dini, const PetscReal all[DINI_AHEAD], PetscBool stays)
{
  DiniAhead *ahead = dini->call ? &dini->call->ahead : NULL;

  PetscFunctionBegin;
  if (!ahead || !ahead->v[0] || ahead->told) PetscFunctionReturn(PETSC_SUCCESS);
  ahead->told  = PETSC_TRUE;
  ahead->stays = stays;
  for (int k = 0; k < 2; k++) ahead->laid[k] = (PetscBool)(all[k] == 0.0);
  ahead->norm = DiniRoot_Private(&all[2]);
  if (ahead->laid[0] && !PetscIsInfOrNanReal(ahead->norm)) ahead->normed = ahead->v[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a linearization, where the look before it has said nothing of J */
PetscErrorCode DiniAheadNow_Private(Dini dini)
{
  PetscReal sums[DINI_AHEAD + 1] = {0.0};
  PetscBool written              = PETSC_FALSE;

  PetscFunctionBegin;
  if (dini->call->ahead.told) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniAheadMine_Private(dini, sums));
  if (dini->held.A) PetscCall(DiniMarkMoved_Private(&dini->held, PETSC_FALSE, &written));
  sums[DINI_AHEAD] = written ? 1.0 : 0.0;
  PetscCall(
      MPIU_Allreduce(MPI_IN_PLACE, sums, DINI_AHEAD + 1, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  PetscCall(DiniAheadTold_Private(dini, sums, (PetscBool)(sums[DINI_AHEAD] == 0.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
