/* One step along the path, tried and judged; it goes by the public interface. */
#include "../private/dinicontinuationimpl.h"

/* |u - predicted| over the change of u: a step on the same branch, up to a fold, stays below 1/2. */
#define DINI_PATH_JUMP     0.6
#define DINI_PATH_BOTH     0.3   /* the same by the mean of both tangents: 1/8 at most */
#define DINI_PATH_ROUNDING 1e-10 /* a change below this part of |u| is no change */
#define DINI_PATH_STILL    0.05  /* a change below this part of |u| counts as that part: u need not change at all */

static PetscErrorCode DiniPointCreate(Vec u, DiniPathPoint *point)
{
  PetscFunctionBegin;
  PetscCall(VecDuplicate(u, &point->u));
  PetscCall(VecDuplicate(u, &point->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPointDestroy(DiniPathPoint *point)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&point->u));
  PetscCall(VecDestroy(&point->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entry of the parameter in a flat vector; the block has this one entry, on one of the ranks */
static PetscErrorCode DiniPathPut(Dini dini, const DiniPath *path, Vec flat, PetscReal m)
{
  Vec part;

  PetscFunctionBegin;
  PetscCall(DiniGetParameterSubVec(dini, flat, path->p, &part));
  PetscCall(VecSet(part, m));
  PetscCall(DiniRestoreParameterSubVec(dini, flat, path->p, &part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPathParameter_Private(Dini dini, DiniPath *path, PetscReal m)
{
  PetscFunctionBegin;
  path->here = PETSC_FALSE;
  PetscCall(DiniPathPut(dini, path, path->flat, m));
  PetscCall(DiniSetParameters(dini, path->flat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPathCreate_Private(Dini dini, PetscInt p, PetscReal target, Vec u, DiniPath *path)
{
  Vec         part;
  PetscScalar value;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(path, sizeof(*path)));
  path->maxfolds            = dini->continuation.folds;
  dini->continuation.nfolds = 0;
  PetscCall(PetscFree(dini->continuation.fold));
  PetscCall(PetscMalloc1(path->maxfolds, &dini->continuation.fold));
  path->p      = p;
  path->zero   = PETSC_INFINITY;
  path->tight  = 1.0;
  path->target = target;
  path->u      = u;
  PetscCall(DiniGetParameter(dini, p, &path->name, NULL));
  PetscCall(DiniCreateParameterVec(dini, &path->flat));
  PetscCall(VecDuplicate(path->flat, &path->dm));
  PetscCall(VecSet(path->dm, 0.0));
  PetscCall(DiniPathPut(dini, path, path->dm, 1.0));
  PetscCall(DiniGetParameterSubVec(dini, path->flat, p, &part));
  PetscCall(VecSum(part, &value));
  PetscCall(DiniRestoreParameterSubVec(dini, path->flat, p, &part));
  path->start   = PetscRealPart(value);
  path->sign    = target < path->start ? -1.0 : 1.0;
  path->ends[0] = target;
  path->ends[1] = dini->continuation.back >= PETSC_INFINITY ? path->start : dini->continuation.back;
  PetscCall(VecDuplicate(u, &path->w[0]));
  PetscCall(VecDuplicate(u, &path->w[1]));
  PetscCall(VecDuplicate(u, &path->size));
  PetscCall(VecSet(path->size, 0.0));
  PetscCall(VecDuplicate(u, &path->along));
  PetscCall(VecDuplicate(u, &path->weight));
  for (int i = 0; i < DINI_PATH_POINTS; i++) PetscCall(DiniPointCreate(u, &path->point[i]));
  PetscCall(DiniPointCreate(u, &path->trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPathDestroy_Private(DiniPath *path)
{
  PetscFunctionBegin;
  for (int i = 0; i < DINI_PATH_POINTS; i++) PetscCall(DiniPointDestroy(&path->point[i]));
  PetscCall(DiniPointDestroy(&path->trial));
  PetscCall(VecDestroy(&path->flat));
  PetscCall(VecDestroy(&path->dm));
  PetscCall(MatDestroy(&path->before));
  PetscCall(VecDestroy(&path->size));
  PetscCall(VecDestroy(&path->along));
  PetscCall(VecDestroy(&path->weight));
  PetscCall(VecDestroy(&path->w[0]));
  PetscCall(VecDestroy(&path->w[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPathConverged_Private(Dini dini, PetscBool *converged)
{
  DiniConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(DiniGetConvergedReason(dini, &reason));
  *converged = (PetscBool)(reason > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rest of the trial at the state that has been found */
PetscErrorCode DiniPathTangent_Private(Dini dini, DiniPath *path, PetscReal m, PetscBool *converged)
{
  DiniPathPoint *trial = &path->trial;

  PetscFunctionBegin;
  trial->m = m;
  PetscCall(VecCopy(path->u, trial->u));
  PetscCall(PetscObjectStateIncrease((PetscObject)trial->u)); /* VecCopy() takes cached norms along, rank by rank */
  *converged = PETSC_TRUE;
  if (path->n) PetscCall(DiniTrial_Private(dini, converged)); /* at the start it is an error, which says why */
  if (!*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniJVP(dini, path->dm, trial->t));
  PetscCall(DiniPathConverged_Private(dini, converged));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest |u| seen on the path, entry by entry, and at least what is typical of entries of its kind */
static PetscErrorCode DiniPathSizes(DiniPath *path, Vec u)
{
  PetscReal   *sizes;
  PetscScalar *size;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(PetscMalloc1(n, &sizes));
  PetscCall(DiniSizes_Private(u, DINI_NOUGHT, sizes));
  PetscCall(VecGetArray(path->size, &size));
  for (PetscInt i = 0; i < n; i++) size[i] = PetscMax(PetscRealPart(size[i]), sizes[i]);
  PetscCall(VecRestoreArray(path->size, &size));
  PetscCall(PetscFree(sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trial becomes the latest point. */
PetscErrorCode DiniPathAccept_Private(Dini dini, DiniPath *path)
{
  const DiniPathPoint oldest = path->point[DINI_PATH_POINTS - 1];

  PetscFunctionBegin;
  for (int i = DINI_PATH_POINTS - 1; i > 0; i--) path->point[i] = path->point[i - 1];
  path->point[0] = path->trial;
  path->trial    = oldest;
  path->n        = PetscMin(path->n + 1, DINI_PATH_POINTS);
  path->here     = PETSC_TRUE;
  PetscCall(DiniPathSizes(path, path->point[0].u));
  PetscCall(DiniPathHold_Private(dini, path));
  PetscCall(DiniPathBend_Private(path));
  PetscCall(DiniPathFold_Private(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Is the trial on the path of the latest point? *error is the part of the step that the tangent has not foretold, in the entry
  where it is largest: a jump of one entry does not hide behind the others. The mean of the tangents at both ends foretells a
  step much better, and nothing on another branch.
*/
static PetscErrorCode DiniPathJudge(DiniPath *path, DiniStep *outcome, PetscReal *error)
{
  const PetscReal    half = 0.5 * (path->trial.m - path->point[0].m);
  const PetscScalar *predicted, *mean, *before, *now, *size;
  PetscReal          worst[3] = {0.0, 0.0, 0.0}, all[3]; /* of both misses, and of the change in units of the sizes */
  PetscInt           n;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(path->w[1], half, path->trial.t, path->w[0]));
  PetscCall(VecAXPY(path->w[1], -half, path->point[0].t));
  PetscCall(VecGetArrayRead(path->w[1], &mean));
  PetscCall(VecGetLocalSize(path->trial.u, &n));
  PetscCall(VecGetArrayRead(path->w[0], &predicted));
  PetscCall(VecGetArrayRead(path->point[0].u, &before));
  PetscCall(VecGetArrayRead(path->trial.u, &now));
  PetscCall(VecGetArrayRead(path->size, &size));
  for (PetscInt i = 0; i < n; i++) {
    const PetscReal most = PetscRealPart(size[i]), change = PetscAbsScalar(now[i] - before[i]);
    const PetscReal unit = PetscMax(change, DINI_PATH_STILL * most);

    worst[0] = PetscMax(worst[0], PetscAbsScalar(now[i] - predicted[i]) / unit);
    worst[1] = PetscMax(worst[1], PetscAbsScalar(now[i] - mean[i]) / unit);
    worst[2] = PetscMax(worst[2], change / most);
  }
  PetscCall(VecRestoreArrayRead(path->size, &size));
  PetscCall(VecRestoreArrayRead(path->trial.u, &now));
  PetscCall(VecRestoreArrayRead(path->point[0].u, &before));
  PetscCall(VecRestoreArrayRead(path->w[0], &predicted));
  PetscCall(VecRestoreArrayRead(path->w[1], &mean));
  PetscCall(MPIU_Allreduce(worst, all, 3, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)path->u)));
  *error      = all[0];
  path->moves = (PetscBool)(all[2] > DINI_PATH_ROUNDING);
  *outcome    = *error > DINI_PATH_JUMP || all[1] > DINI_PATH_BOTH ? DINI_STEP_JUMP : DINI_STEP_GOOD;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Predictor u + (du/dm) dm, corrector, tangents at the new point, verdict; anything but good leaves the points as they are. */
PetscErrorCode DiniPathStep_Private(Dini dini, DiniPath *path, PetscReal m, DiniStep *outcome, PetscReal *error)
{
  PetscBool converged = PETSC_FALSE, crosses = PETSC_FALSE;
  PetscReal ratio = 0.0;

  PetscFunctionBegin;
  *error = PETSC_INFINITY;
  PetscCall(VecWAXPY(path->w[0], m - path->point[0].m, path->point[0].t, path->point[0].u));
  PetscCall(VecCopy(path->w[0], path->u));
  PetscCall(DiniPathParameter_Private(dini, path, m));
  PetscCall(DiniSolve(dini, path->u));
  PetscCall(DiniPathConverged_Private(dini, &converged));
  *outcome = DINI_STEP_FORWARD;
  if (!converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathTangent_Private(dini, path, m, &converged));
  *outcome = DINI_STEP_TANGENT;
  if (!converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathJudge(path, outcome, error));
  if (*outcome != DINI_STEP_GOOD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathCrossing_Private(dini, path, &converged, &crosses, &ratio));
  *outcome = !converged ? DINI_STEP_TANGENT : crosses ? DINI_STEP_TURN : DINI_STEP_GOOD;
  if (*outcome != DINI_STEP_GOOD) PetscFunctionReturn(PETSC_SUCCESS);
  path->ratio[1] = path->ratio[0];
  path->ratio[0] = ratio;
  PetscCall(DiniPathAccept_Private(dini, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Dini at this state, which it has seen before: attached, for a Newton method may find nothing left to do and say so. */
static PetscErrorCode DiniPathSettle(Dini dini, DiniPath *path, Vec u, PetscBool *converged)
{
  PetscFunctionBegin;
  PetscCall(VecCopy(u, path->u));
  PetscCall(DiniAttach(dini, path->u));
  PetscCall(DiniPathConverged_Private(dini, converged));
  if (*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSolve(dini, path->u));
  PetscCall(DiniPathConverged_Private(dini, converged));
  if (!*converged) PetscCall(VecCopy(u, path->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first point, at the parameters as they are */
PetscErrorCode DiniPathBegin_Private(Dini dini, DiniPath *path)
{
  PetscBool converged = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(VecCopy(path->u, path->point[0].u)); /* the guess, to come back to */
  PetscCall(DiniSolve(dini, path->u));
  PetscCall(DiniPathConverged_Private(dini, &converged));
  if (!converged) PetscCall(DiniPathSettle(dini, path, path->point[0].u, &converged));
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: There is no solution to continue from: the forward solve fails at the present value %g of parameter "
             "\"%s\". Begin where it is easy, with a better initial guess",
             DiniLabel_Private(dini), (double)path->start, path->name);
  PetscCall(DiniPathTangent_Private(dini, path, path->start, &converged));
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: The tangent solve fails at the present value %g of parameter \"%s\", so there is no direction to "
             "continue in: J may be singular there. Begin elsewhere, or look at it with -dini_monitor",
             DiniLabel_Private(dini), (double)path->start, path->name);
  PetscCall(DiniPathAccept_Private(dini, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Back to the latest good point, if the Dini, the parameter and u are elsewhere */
PetscErrorCode DiniPathReturn_Private(Dini dini, DiniPath *path)
{
  PetscBool converged = PETSC_FALSE;

  PetscFunctionBegin;
  if (path->here || !path->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathParameter_Private(dini, path, path->point[0].m));
  PetscCall(DiniPathSettle(dini, path, path->point[0].u, &converged));
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: The last good point of the path, parameter \"%s\" = %g, is not accepted a second time; u and the "
             "parameter have its values, but call DiniSolve() before a derivative",
             DiniLabel_Private(dini), path->name, (double)path->point[0].m);
  path->here = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
