/*
  What is known next to a crossing: null vectors of J and of J^H by inverse iteration, u and du/dm at it by the last point, and how far
  along the null vector F is linear.
*/
#include "../private/dinicontinuationimpl.h"
#include "../private/dinicallimpl.h"
#include "../private/dinistepsimpl.h"

#define BRANCH_INVERSE  20   /* steps of inverse iteration at most */
#define BRANCH_STAYS_SO 1e-9 /* a null vector that changes by less in one */
#define BRANCH_CREST    0.87 /* of the largest entry */
#define BRANCH_CLEAR    64.0 /* the distance to look at over this: near enough */
#define BRANCH_RETREAT  8.0  /* times as far from the crossing, */
#define BRANCH_RETREATS 4    /* so many times, where J is too near to singular */
#define BRANCH_PROBES   36   /* amplitudes at which F is looked at, */
#define BRANCH_FIRST    1e-8 /* from this one on, in units of the size of u, */
#define BRANCH_FARTHER  4.0  /* by this factor */
#define BRANCH_STRAIGHT 0.1 /* <psi, F> / a changes by less from one to the next where it is linear, and not rounding */
#define BRANCH_CURVED   0.5 /* by more in all where it is no longer */

static PetscErrorCode DiniBranchWeigh(DiniBranch *b)
{
  PetscScalar *w;
  PetscReal   *sizes;
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(b->weight, &n));
  PetscCall(PetscMalloc1(n, &sizes));
  PetscCall(DiniSizes_Private(b->path.u, DINI_NOUGHT, sizes));
  PetscCall(VecGetArrayWrite(b->weight, &w));
  for (PetscInt i = 0; i < n; i++) w[i] = 1.0 / PetscSqr(sizes[i]);
  PetscCall(VecRestoreArrayWrite(b->weight, &w));
  PetscCall(PetscFree(sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <v, w>, weighted; spoils path.w[0] */
PetscErrorCode DiniBranchDot_Private(DiniBranch *b, Vec v, Vec w, PetscReal *dot)
{
  PetscScalar value;

  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(b->path.w[0], b->weight, v));
  PetscCall(VecDot(b->path.w[0], w, &value));
  *dot = PetscRealPart(value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The largest entry of phi, in units of its size, is one, and the first one that is nearly as large is positive: `side` means the same
  each time and on any number of ranks, for waves, too, whose crests and troughs are equal but for rounding
*/
static PetscErrorCode DiniBranchNormalise(DiniBranch *b)
{
  MPI_Comm           comm = PetscObjectComm((PetscObject)b->phi);
  const PetscScalar *v, *w;
  PetscReal          largest = 0.0, sign = 0.0;
  PetscInt           lo, hi, first = PETSC_MAX_INT;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(b->phi, &lo, &hi));
  PetscCall(VecGetArrayRead(b->phi, &v));
  PetscCall(VecGetArrayRead(b->weight, &w));
  for (PetscInt i = 0; i < hi - lo; i++)
    largest = PetscMax(largest, PetscAbsScalar(v[i]) * PetscSqrtReal(PetscRealPart(w[i])));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &largest, 1, MPIU_REAL, MPIU_MAX, comm));
  for (PetscInt i = hi - lo - 1; i >= 0; i--)
    if (PetscAbsScalar(v[i]) * PetscSqrtReal(PetscRealPart(w[i])) >= BRANCH_CREST * largest) first = lo + i;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &first, 1, MPIU_INT, MPI_MIN, comm));
  if (first >= lo && first < hi) sign = PetscRealPart(v[first - lo]) < 0.0 ? -1.0 : 1.0;
  PetscCall(VecRestoreArrayRead(b->weight, &w));
  PetscCall(VecRestoreArrayRead(b->phi, &v));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &sign, 1, MPIU_REAL, MPIU_SUM, comm));
  if (largest > 0.0) PetscCall(VecScale(b->phi, sign / largest));
  PetscCall(DiniBranchDot_Private(b, b->phi, b->phi, &b->norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inverse iteration with J or J^H until v, the null vector, stays */
static PetscErrorCode DiniBranchInverse(DiniBranch *b, PetscErrorCode (*solve)(Dini, Vec, Vec), Vec v, PetscBool *good)
{
  Vec         before = b->path.w[1], moved = b->path.w[0];
  PetscReal   norm, change                 = 1.0;
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(b->dini, 37, b->dini->u, v));
  for (int k = 0; k < BRANCH_INVERSE && change > BRANCH_STAYS_SO && *good; k++) {
    PetscCall(DiniNorm_Private(v, &norm));
    PetscCall(VecWAXPY(before, 1.0 / norm - 1.0, v, v));
    PetscCall((*solve)(b->dini, before, v));
    PetscCall(DiniPathConverged_Private(b->dini, good));
    if (!*good) break;
    PetscCall(DiniNorm_Private(v, &norm));
    PetscCall(VecDot(v, before, &dot));
    PetscCall(VecWAXPY(moved, -norm * (PetscRealPart(dot) < 0.0 ? -1.0 : 1.0), before, v));
    PetscCall(DiniNorm_Private(moved, &change));
    change /= norm;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tangent four times as far from the crossing: on the arm of a pitchfork it is half of that at the last point, along phi */
static PetscErrorCode DiniBranchFarther(DiniBranch *b)
{
  const PetscReal m = b->critical + 4.0 * (b->from - b->critical);
  PetscBool       good;

  PetscFunctionBegin;
  b->before = b->along;
  PetscCall(VecWAXPY(b->path.u, m - b->from, b->t, b->base));
  PetscCall(PetscObjectStateIncrease((PetscObject)b->path.u));
  PetscCall(DiniPathParameter_Private(b->dini, &b->path, m));
  PetscCall(DiniSolve(b->dini, b->path.u));
  PetscCall(DiniPathConverged_Private(b->dini, &good));
  if (good) PetscCall(DiniPathTangent_Private(b->dini, &b->path, m, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniBranchDot_Private(b, b->phi, b->path.trial.t, &b->before));
  b->before /= b->norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u and du/dm of the old branch so far from the crossing, in units of the distance so far, from there along du/dm */
static PetscErrorCode DiniBranchMove(DiniBranch *b, PetscReal times, PetscBool *good)
{
  const PetscReal m = b->critical + times * (b->from - b->critical);

  PetscFunctionBegin;
  PetscCall(VecWAXPY(b->path.u, m - b->from, b->t, b->base));
  PetscCall(PetscObjectStateIncrease((PetscObject)b->path.u));
  PetscCall(DiniPathParameter_Private(b->dini, &b->path, m));
  PetscCall(DiniSolve(b->dini, b->path.u));
  PetscCall(DiniPathConverged_Private(b->dini, good));
  if (*good) PetscCall(DiniPathTangent_Private(b->dini, &b->path, m, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(b->path.u, b->base));
  PetscCall(VecCopy(b->path.trial.t, b->t));
  b->from = m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBranchVectors(DiniBranch *b, PetscBool *good)
{
  PetscFunctionBegin;
  PetscCall(DiniBranchWeigh(b));
  PetscCall(DiniBranchInverse(b, DiniTangentSolve, b->phi, good));
  if (*good) PetscCall(DiniBranchNormalise(b));
  if (*good) PetscCall(DiniBranchInverse(b, DiniAdjointSolve, b->psi, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The null vectors next to the crossing, where the eigenvalue is the smallest one in any units, or a little farther away where
  solves can not be verified yet; and u and du/dm at it from where rounding does not decide what du/dm is along phi
*/
PetscErrorCode DiniBranchNull_Private(DiniBranch *b, PetscReal step, PetscBool *good)
{
  PetscBool moves = PETSC_TRUE;

  PetscFunctionBegin;
  b->path.n = 1; /* on the way: the crossing is near, and no reason to refuse a derivative */
  b->from   = b->path.start;
  PetscCall(VecCopy(b->path.u, b->base));
  PetscCall(VecSet(b->t, 0.0));
  PetscCall(DiniBranchMove(b, 1.0, good));
  if (*good) PetscCall(DiniBranchVectors(b, good));
  for (int k = 0; k < BRANCH_RETREATS && !*good; k++) {
    PetscCall(DiniBranchMove(b, BRANCH_RETREAT, good));
    if (*good) PetscCall(DiniBranchVectors(b, good));
  }
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  while (moves && PetscAbsReal(b->from - b->critical) < step / BRANCH_CLEAR)
    PetscCall(DiniBranchMove(b, BRANCH_RETREAT, &moves));
  PetscCall(DiniBranchDot_Private(b, b->phi, b->t, &b->along));
  b->along /= b->norm;
  PetscCall(DiniBranchFarther(b));
  PetscCall(VecAXPY(b->base, b->critical - b->from, b->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBranchResidual_Call(Dini dini, Vec u, Vec F, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(DiniParameterPull_Private(dini));
  PetscCall(DiniParameterPush_Private(dini));
  PetscCall(DiniResidual_Private(dini, u, F, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <psi, F> at this amplitude, m beside the crossing; infinite where F has no value */
static PetscErrorCode DiniBranchReduced(DiniBranch *b, PetscReal dm, PetscReal amplitude, PetscReal *g)
{
  PetscReal   norm;
  PetscScalar dot;

  PetscFunctionBegin;
  PetscCall(VecWAXPY(b->path.w[0], dm, b->t, b->base));
  PetscCall(VecAXPY(b->path.w[0], amplitude, b->phi));
  PetscCall(PetscObjectStateIncrease((PetscObject)b->path.w[0]));
  DiniServe(b->dini, "DiniSwitchBranch()", DINI_DOOR_RESIDUALS,
            DiniBranchResidual_Call(b->dini, b->path.w[0], b->path.w[1], &norm));
  *g = PETSC_INFINITY;
  if (PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDot(b->path.w[1], b->psi, &dot));
  *g = PetscRealPart(dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The amplitude about which a solution may lie: where <psi, F> along phi is no longer linear; 1 where that can not be told */
PetscErrorCode DiniBranchScale_Private(DiniBranch *b, PetscReal dm, PetscInt side, PetscReal *scale)
{
  PetscReal a = BRANCH_FIRST, base, g, slope[BRANCH_PROBES], straight = 0.0;
  int       n = 0;

  PetscFunctionBegin;
  *scale = 1.0;
  PetscCall(DiniPathParameter_Private(b->dini, &b->path, b->critical + dm));
  PetscCall(DiniBranchReduced(b, dm, 0.0, &base));
  for (; n < BRANCH_PROBES; n++, a *= BRANCH_FARTHER) {
    PetscCall(DiniBranchReduced(b, dm, (PetscReal)side * a, &g));
    if (PetscIsInfOrNanReal(g)) break;
    slope[n] = (g - base) / a;
    if (straight == 0.0 && n > 1 && PetscAbsReal(slope[n] - slope[n - 1]) < BRANCH_STRAIGHT * PetscAbsReal(slope[n]) &&
        PetscAbsReal(slope[n - 1] - slope[n - 2]) < BRANCH_STRAIGHT * PetscAbsReal(slope[n]))
      straight = slope[n];
    if (straight == 0.0 || PetscAbsReal(slope[n] - straight) < BRANCH_CURVED * PetscAbsReal(straight)) continue;
    *scale = a;
    break;
  }
  PetscCall(PetscInfo(b->dini, "Branches: an amplitude of %g is about where F bends along the null vector\n",
                      (double)*scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}
