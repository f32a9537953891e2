/* One step along the path, tried and judged; it goes by the public interface. */
#include "../private/dinicontinuationimpl.h"

/* |u - predicted| over the change of u: a step on the same branch, up to a fold, stays below 1/2. */
#define DINI_PATH_JUMP  0.6
#define DINI_PATH_STILL 0.05 /* a change below this part of |u| counts as that part: u need not change at all */

static PetscErrorCode DiniPointCreate(Vec u, DiniPathPoint *point)
{
  PetscFunctionBegin;
  PetscCall(VecDuplicate(u, &point->u));
  PetscCall(VecDuplicate(u, &point->t));
  PetscCall(VecDuplicate(u, &point->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPointDestroy(DiniPathPoint *point)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&point->u));
  PetscCall(VecDestroy(&point->t));
  PetscCall(VecDestroy(&point->x));
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

/* The first right-hand side leans to no subspace. */
static PetscErrorCode DiniPathRightHandSide(Dini dini, DiniPath *path)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(VecSet(path->w[0], 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 31, path->w[0], path->r));
  PetscCall(DiniNorm_Private(path->r, &norm));
  PetscCall(VecScale(path->r, 1.0 / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPathCreate_Private(Dini dini, PetscInt p, PetscReal target, Vec u, DiniPath *path)
{
  Vec         part;
  PetscScalar value;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(path, sizeof(*path)));
  path->p      = p;
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
  path->start = PetscRealPart(value);
  path->sign  = target < path->start ? -1.0 : 1.0;
  PetscCall(VecDuplicate(u, &path->r));
  PetscCall(VecDuplicate(u, &path->w[0]));
  PetscCall(VecDuplicate(u, &path->w[1]));
  for (int i = 0; i < DINI_PATH_POINTS; i++) PetscCall(DiniPointCreate(u, &path->point[i]));
  PetscCall(DiniPointCreate(u, &path->trial));
  PetscCall(DiniPathRightHandSide(dini, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPathDestroy_Private(DiniPath *path)
{
  PetscFunctionBegin;
  for (int i = 0; i < DINI_PATH_POINTS; i++) PetscCall(DiniPointDestroy(&path->point[i]));
  PetscCall(DiniPointDestroy(&path->trial));
  PetscCall(VecDestroy(&path->flat));
  PetscCall(VecDestroy(&path->dm));
  PetscCall(VecDestroy(&path->r));
  PetscCall(VecDestroy(&path->w[0]));
  PetscCall(VecDestroy(&path->w[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniConverged(Dini dini, PetscBool *converged)
{
  DiniConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(DiniGetConvergedReason(dini, &reason));
  *converged = (PetscBool)(reason > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rest of the trial at the state that has been found */
static PetscErrorCode DiniPathTangents(Dini dini, DiniPath *path, PetscReal m, PetscBool *converged)
{
  DiniPathPoint *trial = &path->trial;

  PetscFunctionBegin;
  trial->m = m;
  PetscCall(VecCopy(path->u, trial->u));
  PetscCall(PetscObjectStateIncrease((PetscObject)trial->u)); /* VecCopy() takes cached norms along, rank by rank */
  PetscCall(DiniJVP(dini, path->dm, trial->t));
  PetscCall(DiniConverged(dini, converged));
  if (!*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniTangentSolve(dini, path->r, trial->x));
  PetscCall(DiniConverged(dini, converged));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Differences of F and a caller's own tangent solve may give no adjoint. */
static PetscErrorCode DiniPathHasAdjoint(Dini dini, PetscBool *has)
{
  Mat J;

  PetscFunctionBegin;
  *has = (PetscBool)(dini->linearsolve[DINI_ADJOINT] != NULL);
  if (*has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  if (J) PetscCall(MatHasOperation(J, MATOP_MULT_TRANSPOSE, has));
  if (J && !*has) PetscCall(MatHasOperation(J, MATOP_MULT_HERMITIAN_TRANSPOSE, has));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  One step of inverse iteration at the latest point, r = J^{-H} x / |J^{-H} x| and x = J^{-1} r: along the path r turns into
  the left singular vector of the smallest singular value, so that x shows it long before it is small.
*/
static PetscErrorCode DiniPathRefine(Dini dini, DiniPath *path)
{
  PetscReal norm;
  PetscBool good;

  PetscFunctionBegin;
  PetscCall(DiniPathHasAdjoint(dini, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniAdjointSolve(dini, path->point[0].x, path->w[0]));
  PetscCall(DiniConverged(dini, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniNorm_Private(path->w[0], &norm));
  PetscCall(VecScale(path->w[0], 1.0 / norm));
  PetscCall(DiniTangentSolve(dini, path->w[0], path->w[1]));
  PetscCall(DiniConverged(dini, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(path->w[0], path->r));
  PetscCall(VecCopy(path->w[1], path->point[0].x));
  PetscCall(PetscObjectStateIncrease((PetscObject)path->r)); /* VecCopy() takes cached norms along, rank by rank */
  PetscCall(PetscObjectStateIncrease((PetscObject)path->point[0].x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trial becomes the latest point. */
static PetscErrorCode DiniPathAccept(Dini dini, DiniPath *path)
{
  const DiniPathPoint oldest = path->point[DINI_PATH_POINTS - 1];
  PetscReal           unorm;

  PetscFunctionBegin;
  for (int i = DINI_PATH_POINTS - 1; i > 0; i--) path->point[i] = path->point[i - 1];
  path->point[0] = path->trial;
  path->trial    = oldest;
  path->n        = PetscMin(path->n + 1, DINI_PATH_POINTS);
  path->here     = PETSC_TRUE;
  PetscCall(DiniNorm_Private(path->point[0].u, &unorm));
  path->size = PetscMax(path->size, unorm);
  PetscCall(DiniPathRefine(dini, path));
  PetscCall(DiniPathFold_Private(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the trial on the path of the latest point? *error is the part of the step that the tangent has not foretold. */
static PetscErrorCode DiniPathJudge(DiniPath *path, DiniStep *outcome, PetscReal *error)
{
  const DiniPathPoint *now = &path->point[0], *trial = &path->trial;
  PetscReal            miss, change, unorm, ahead, behind, norm;
  PetscScalar          dot;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(path->w[1], -1.0, path->w[0], trial->u));
  PetscCall(DiniNorm_Private(path->w[1], &miss));
  PetscCall(VecWAXPY(path->w[1], -1.0, now->u, trial->u));
  PetscCall(DiniNorm_Private(path->w[1], &change));
  PetscCall(DiniNorm_Private(trial->u, &unorm));
  change   = PetscMax(change, DINI_PATH_STILL * PetscMax(unorm, path->size));
  *error   = change > 0.0 ? miss / change : 0.0;
  *outcome = DINI_STEP_GOOD;
  /* x passes through infinity, and turns round, where an eigenvalue of J passes through zero */
  PetscCall(VecDot(trial->x, now->x, &dot));
  PetscCall(DiniNorm_Private(now->x, &norm));
  ahead  = PetscRealPart(dot) / norm;
  behind = norm;
  if (!(ahead > 0.0)) { /* 1/<x, x_0> is smooth there: a secant */
    *outcome   = DINI_STEP_TURN;
    path->turn = now->m + (trial->m - now->m) * ahead / (ahead - behind);
  } else if (*error > DINI_PATH_JUMP) *outcome = DINI_STEP_JUMP;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Predictor u + (du/dm) dm, corrector, tangents at the new point, verdict; anything but good leaves the points as they are. */
PetscErrorCode DiniPathStep_Private(Dini dini, DiniPath *path, PetscReal m, DiniStep *outcome, PetscReal *error)
{
  PetscBool converged = PETSC_FALSE;

  PetscFunctionBegin;
  *error = PETSC_INFINITY;
  PetscCall(VecWAXPY(path->w[0], m - path->point[0].m, path->point[0].t, path->point[0].u));
  PetscCall(VecCopy(path->w[0], path->u));
  PetscCall(DiniPathParameter_Private(dini, path, m));
  PetscCall(DiniSolve(dini, path->u));
  PetscCall(DiniConverged(dini, &converged));
  *outcome = DINI_STEP_FORWARD;
  if (!converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathTangents(dini, path, m, &converged));
  *outcome = DINI_STEP_TANGENT;
  if (!converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPathJudge(path, outcome, error));
  if (*outcome == DINI_STEP_GOOD) PetscCall(DiniPathAccept(dini, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Dini at this state, which it has seen before: attached, for a Newton method may find nothing left to do and say so. */
static PetscErrorCode DiniPathSettle(Dini dini, DiniPath *path, Vec u, PetscBool *converged)
{
  PetscFunctionBegin;
  PetscCall(VecCopy(u, path->u));
  PetscCall(DiniAttach(dini, path->u));
  PetscCall(DiniConverged(dini, converged));
  if (*converged) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSolve(dini, path->u));
  PetscCall(DiniConverged(dini, converged));
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
  PetscCall(DiniConverged(dini, &converged));
  if (!converged) PetscCall(DiniPathSettle(dini, path, path->point[0].u, &converged));
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: There is no solution to continue from: the forward solve fails at the present value %g of parameter "
             "\"%s\". Begin where it is easy, with a better initial guess",
             DiniLabel_Private(dini), (double)path->start, path->name);
  PetscCall(DiniPathTangents(dini, path, path->start, &converged));
  PetscCheck(converged, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: The tangent solve fails at the present value %g of parameter \"%s\", so there is no direction to "
             "continue in: J may be singular there. Begin elsewhere, or look at it with -dini_monitor",
             DiniLabel_Private(dini), (double)path->start, path->name);
  PetscCall(DiniPathAccept(dini, path));
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
