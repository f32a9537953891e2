/*
  Is J singular? A failed solve of A x = b tells: where b lies outside the range of A, the residual of a method that
  minimises it becomes a vector w with A^H w = 0, and where a factorisation has met a tiny pivot x itself becomes a vector with
  A x = 0 to rounding. One product shows either. The verdict holds for the point, for tangents and adjoints alike.
*/
#include "../private/diniengineimpl.h"

#define SINGULAR_RTOL  1e-10 /* |A v| / (|A| |v|) of a null vector */
#define SINGULAR_NEAR  0.2   /* a residual with half of this is worth sharpening */
#define SINGULAR_CYCLE 100   /* iterations that go on sharpening a residual */
#define SINGULAR_MAX   10
#define SINGULAR_TRIES 3 /* random right-hand sides, where the first is not solved for and shows no null vector */

/* What shows that J is singular at the point; empty where nothing does */
const char *DiniEngineSingular_Private(DiniEngine e)
{
  return e->singular;
}

PetscErrorCode DiniEngineIsSingular_Private(DiniEngine e, PetscBool *singular)
{
  PetscFunctionBegin;
  *singular = (PetscBool)(e->null[DINI_TANGENT] || e->singular[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineNullSpace_Private(DiniEngine e, DiniDirection direction, MatNullSpace *null)
{
  PetscFunctionBegin;
  *null = e->null[direction];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A v in e->e, and |A v| / (size |v|): the relative size of what should be zero for a null vector. Of several fields the
  largest |(A v)_f| / sum over g of |A_fg| |v_g|, which hangs on no unit.
*/
static PetscErrorCode DiniNullity(DiniEngine e, DiniDirection direction, Vec v, PetscReal size, PetscReal *ratio)
{
  PetscReal norm, vnorm, unit;

  PetscFunctionBegin;
  PetscCall(DiniNorm_Private(v, &vnorm));
  unit =
      DiniUnit_Private(vnorm); /* a power of two: numbers at the ends of their range must not vanish in the product */
  if (unit != 1.0) PetscCall(VecScale(v, 1.0 / unit));
  PetscCall(DiniEngineMult_Private(e, direction, v, e->e));
  PetscCall(DiniNorm_Private(e->e, &norm));
  *ratio = vnorm > 0.0 && size > 0.0 ? norm / (size * (vnorm / unit)) : PETSC_INFINITY;
  if (e->nfields > 1 && size != 1.0 && vnorm > 0.0) PetscCall(DiniEngineCancels_Private(e, direction, v, e->e, ratio));
  if (unit != 1.0) PetscCall(VecScale(v, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* More iterations from x, with its residual in e->b, by flexible GMRES with the preconditioner of the rung that has gone before */
static PetscErrorCode DiniGoOn(DiniEngine e, DiniDirection direction, PetscReal wanted, PetscInt most, Vec b, Vec x,
                               DiniSolveResult *status)
{
  DiniFrozen     frozen;
  PetscReal      rtol;
  PetscInt       its, maxits;
  KSP            ksp;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetGMRES_Private(e, direction, &ksp));
  PetscCall(DiniEngineSetApply_Private(ksp, DiniEngineRungApply_Private(e, direction, status->rung)));
  PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, &maxits));
  PetscCall(KSPSetTolerances(ksp, wanted, PETSC_DEFAULT, PETSC_DEFAULT, most));
  PetscCall(DiniFreeze_Private(e->pc, &frozen));
  failed = DiniEngineKrylov_Private(e, direction, ksp, status->bnorm);
  PetscCall(DiniThaw_Private(&frozen));
  PetscCall(failed);
  PetscCall(KSPSetTolerances(ksp, rtol, PETSC_DEFAULT, PETSC_DEFAULT, maxits));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  status->its += its;
  PetscCall(VecAXPY(x, 1.0, e->e));
  PetscCall(DiniEngineProject_Private(e, direction, x));
  PetscCall(DiniEngineResidual_Private(e, direction, b, x, status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFound(DiniEngine e, DiniDirection of, PetscReal ratio, PetscReal part)
{
  char outside[128] = "";

  PetscFunctionBegin;
  if (part > 0.0)
    PetscCall(PetscSNPrintf(outside, sizeof(outside), "; the right-hand side has a relative component %.2g along it",
                            (double)part));
  PetscCall(
      PetscSNPrintf(e->singular, sizeof(e->singular), "a %s null vector, with |%s v| = %.1e |J| |v|, is at hand%s",
                    of == DINI_TANGENT ? "right" : "left", of == DINI_TANGENT ? "J" : "J^H", (double)ratio, outside));
  PetscCall(PetscInfo(e, "J is singular: %s\n", e->singular));
  e->regular = PETSC_FALSE; /* what has been found once is looked for at the next point, too */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sharpens the residual of x as long as it comes nearer to a left null vector and goes no further down */
static PetscErrorCode DiniSharpen(DiniEngine e, DiniDirection direction, PetscReal size, Vec b, Vec x,
                                  const DiniSolveResult *solved)
{
  const DiniDirection other  = direction == DINI_TANGENT ? DINI_ADJOINT : DINI_TANGENT;
  const PetscBool     goon   = (PetscBool)(solved->rung != DINI_RUNG_EXPLICIT && !e->pcfailed);
  DiniSolveResult     status = {.bnorm = solved->bnorm, .rung = solved->rung};
  PetscReal           ratio, before = SINGULAR_NEAR, relative;

  PetscFunctionBegin;
  PetscCall(DiniEngineResidual_Private(e, direction, b, x, &status));
  for (int cycle = 0; cycle <= SINGULAR_MAX && !status.good && !PetscIsInfOrNanReal(status.relative); cycle++) {
    PetscCall(DiniNullity(e, other, e->b, size, &ratio));
    if (ratio <= SINGULAR_RTOL) {
      PetscCall(DiniFound(e, other, ratio, status.relative));
      break;
    }
    if (!goon || cycle == SINGULAR_MAX || !(ratio < 0.5 * before)) break;
    before   = ratio;
    relative = status.relative;
    PetscCall(DiniGoOn(e, direction, 1e-13, SINGULAR_CYCLE, b, x, &status));
    if (!(status.relative > 0.5 * relative)) break; /* it comes down: a matter of patience, not of a null vector */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With what a rung that has failed has reached in x, which is left as it is */
PetscErrorCode DiniEngineLookSingular_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x,
                                              const DiniSolveResult *status)
{
  PetscReal      size, ratio;
  PetscBool      has = PETSC_TRUE;
  PetscErrorCode failed;
  Vec            copy;

  PetscFunctionBegin;
  if (status->good || !status->rung || PetscIsInfOrNanReal(status->relative)) PetscFunctionReturn(PETSC_SUCCESS);
  /* |A| by a random product */
  PetscCall(VecSet(e->b, 0.0));
  PetscCall(DiniRandom_Private(14, e->b));
  PetscCall(DiniNullity(e, direction, e->b, 1.0, &size));
  PetscCall(DiniNullity(e, direction, x, size, &ratio));
  if (ratio <= SINGULAR_RTOL) PetscCall(DiniFound(e, direction, ratio, 0.0));
  if (direction == DINI_TANGENT) PetscCall(DiniHasAdjoint_Private(e->J, &has));
  if (e->singular[0] || !has || !(size > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(x, &copy));
  PetscCall(VecCopy(x, copy));
  failed = DiniSharpen(e, direction, size, b, copy, status);
  PetscCall(VecDestroy(&copy));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A right-hand side that lies in the range of a singular A has solutions, of which a solver finds one. Whether A is regular a
  random one tells, once for an object, loosely: outside the range lies about 1 / sqrt(N) of it.
*/
static PetscErrorCode DiniTryRandom(DiniEngine e, DiniDirection direction, PetscInt seed, const DiniSolveResult *solved,
                                    Vec b, Vec x, PetscBool *solves)
{
  const PetscReal root   = PetscSqrtReal((PetscReal)e->N);
  DiniSolveResult status = {.rung = solved->rung, .relative = 1.0};

  PetscFunctionBegin;
  PetscCall(VecSet(x, 0.0));
  PetscCall(DiniRandom_Private(seed, b));
  if (e->up.project) PetscCall((*e->up.project)(e->up.ctx, b));
  PetscCall(DiniNorm_Private(b, &status.bnorm));
  PetscCall(VecCopy(b, e->b));
  PetscCall(PetscObjectStateIncrease((PetscObject)e->b)); /* VecCopy() takes cached norms along, rank by rank */
  if (status.bnorm > 0.0) PetscCall(DiniGoOn(e, direction, 0.01 / root, 2 * solved->its + 20, b, x, &status));
  *solves = (PetscBool)(!(status.relative > 0.02 / root) || status.bnorm == 0.0);
  PetscCall(PetscInfo(e, "A random right-hand side: relative residual %g after %" PetscInt_FMT " iterations\n",
                      (double)status.relative, status.its));
  if (!*solves) PetscCall(DiniEngineLookSingular_Private(e, direction, b, x, &status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether J is regular is asked again */
PetscErrorCode DiniEngineDoubt_Private(DiniEngine e)
{
  PetscFunctionBegin;
  e->regular = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineRegular_Private(DiniEngine e, DiniDirection direction, const DiniSolveResult *solved)
{
  const DiniRung rung   = solved->rung;
  PetscErrorCode failed = PETSC_SUCCESS;
  PetscBool      had, solves = PETSC_FALSE;
  Vec            b, x;

  PetscFunctionBegin;
  if (!e->terms.guard || e->regular || e->null[DINI_TANGENT] || rung < DINI_RUNG_KEPT || rung == DINI_RUNG_EXPLICIT)
    PetscFunctionReturn(PETSC_SUCCESS);
  e->regular = PETSC_TRUE;
  had        = (PetscBool)(e->gmres[direction] != NULL);
  PetscCall(VecDuplicate(e->u, &b));
  PetscCall(VecDuplicate(e->u, &x));
  /* one that has hardly a part outside the range shows nothing; another one does */
  for (PetscInt seed = 0; seed < SINGULAR_TRIES && !failed && !solves && !e->singular[0]; seed++)
    failed = DiniTryRandom(e, direction, seed ? 40 + seed : 15, solved, b, x, &solves);
  if (!had) PetscCall(KSPDestroy(&e->gmres[direction])); /* its basis would stay */
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Where no preconditioner gives a finite answer, as where a factorisation of J meets a zero pivot: the residual of the least
  squares solution for a random right-hand side is a left null vector.
*/
PetscErrorCode DiniEngineSingularBare_Private(DiniEngine e)
{
  PetscReal size, ratio, norm, rnorm;
  PetscBool has;
  Vec       b, x, r;
  KSP       ksp;
  PC        pc;

  PetscFunctionBegin;
  PetscCall(DiniHasAdjoint_Private(e->J, &has));
  if (!has || e->null[DINI_TANGENT]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(e->u, &b));
  PetscCall(VecDuplicate(e->u, &x));
  PetscCall(VecDuplicate(e->u, &r));
  PetscCall(VecSet(x, 0.0));
  PetscCall(DiniRandom_Private(15, b));
  if (e->up.project) PetscCall((*e->up.project)(e->up.ctx, b));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)e), &ksp));
  PetscCall(KSPSetType(ksp, KSPLSQR));
  PetscCall(KSPSetOperators(ksp, e->J, e->J));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, SINGULAR_MAX * SINGULAR_CYCLE));
  PetscCall(DiniEngineKSPSolve_Private(e, ksp, b, x));
  PetscCall(MatMult(e->J, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(DiniNorm_Private(b, &norm));
  PetscCall(DiniNorm_Private(r, &rnorm));
  PetscCall(DiniNullity(e, DINI_TANGENT, b, 1.0, &size));
  PetscCall(DiniNullity(e, DINI_ADJOINT, r, size, &ratio));
  PetscCall(PetscInfo(e, "Least squares for a random right-hand side: residual %g, |J^H r| = %g |J| |r|\n",
                      (double)(rnorm / norm), (double)ratio));
  if (ratio <= SINGULAR_RTOL) PetscCall(DiniFound(e, DINI_ADJOINT, ratio, rnorm / norm));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}
