/* One tangent or adjoint solve: refinement, the true residual, and the verdict. */
#include "../private/diniengineimpl.h"
#include <petsctime.h>
#include <math.h>

#define DINI_MAX_PASSES   5 /* and one for each field */
#define DINI_SMALL        1e-30
#define DINI_MAX_ROUNDING 1e4 /* times the tolerance: past that, no residual is excused as rounding */

/* relative = |b - A x| / |b| with the matrix itself, of the worst field where there are several; the residual is in e->b */
PetscErrorCode DiniEngineResidual_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, DiniSolveResult *status)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniEngineMult_Private(e, direction, x, e->b));
  PetscCall(VecAYPX(e->b, -1.0, b));
  PetscCall(DiniEngineFindFields_Private(e));
  if (e->nfields > 1)
    PetscCall(DiniEngineJudge_Private(e, direction, b, x, e->b, &status->fields, &status->relative, status));
  else {
    PetscCall(DiniEngineResidualNorm_Private(e, x, e->b, &norm, status));
    status->relative = norm / status->bnorm;
  }
  status->good = (PetscBool)(status->relative <= e->rtol[direction]); /* false for NaN */
  if (e->nfields > 1 && status->good) status->relative = status->fields.relative;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Where refinement stands still the residual may be all rounding: lambda then solves the system of a matrix that differs
  from J by less than J's own entries are known to, and nothing better can be had. |J| is measured by one random product.
*/
PetscErrorCode DiniEngineAtRounding_Private(DiniEngine e, DiniDirection direction, Vec x, DiniSolveResult *status)
{
  PetscReal vnorm, Jvnorm, xnorm, floor;

  PetscFunctionBegin;
  if (e->nfields > 1) {
    status->good =
        DiniEngineFieldRounding_Private(e, direction, &status->fields, DINI_MAX_ROUNDING * e->rtol[direction]);
    if (status->good) status->relative = status->fields.relative;
    if (status->good)
      PetscCall(PetscInfo(e, "True relative residual %g in field %s is rounding: accepted\n", (double)status->relative,
                          e->fieldname[status->fields.worst]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecSet(e->e, 0.0));
  PetscCall(DiniRandom_Private(12, e->e));
  PetscCall(DiniNorm_Private(e->e, &vnorm));
  PetscCall(DiniEngineMult_Private(e, direction, e->e, e->b));
  PetscCall(DiniNorm_Private(e->b, &Jvnorm));
  PetscCall(DiniNorm_Private(x, &xnorm));
  floor = 20.0 * PETSC_MACHINE_EPSILON * (Jvnorm / vnorm) * xnorm / status->bnorm;
  floor =
      PetscMin(floor, DINI_MAX_ROUNDING * e->rtol[direction]); /* a singular J makes x, and with it the floor, huge */
  if (!(status->relative <= floor)) PetscFunctionReturn(PETSC_SUCCESS);
  status->good = PETSC_TRUE;
  PetscCall(PetscInfo(e, "True relative residual %g is rounding (up to %g with this J and this solution): accepted\n",
                      (double)status->relative, (double)floor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The residual of the guess in e->b; a guess that is worse than nothing is dropped. */
PetscErrorCode DiniEngineBegin_Private(DiniEngine e, DiniDirection direction, Vec b, Vec x, DiniSolveResult *status)
{

  PetscFunctionBegin;
  status->good = PETSC_FALSE;
  if (status->guess) {
    PetscCall(DiniEngineResidual_Private(e, direction, b, x, status));
    if (status->relative < 1.0) PetscFunctionReturn(PETSC_SUCCESS);
    status->guess = PETSC_FALSE;
  }
  PetscCall(VecSet(x, 0.0));
  PetscCall(VecCopy(b, e->b));
  PetscCall(PetscObjectStateIncrease((PetscObject)e->b)); /* VecCopy() takes cached norms along, rank by rank */
  status->relative = 1.0;
  status->good     = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* e->e for e->b. An error inside leaves PETSc's vectors locked and the KSP half-way: it begins anew at the next solve. */
PetscErrorCode DiniEngineKrylov_Private(DiniEngine e, DiniDirection direction, KSP ksp, PetscReal norm)
{
  const PetscReal size = norm < DINI_SMALL && norm > 0.0 ? norm : 1.0; /* a KSP has an absolute tolerance, of 1e-50 */
  PetscInt        b, x;
  PetscErrorCode  failed;
  PetscBool       shell;
  PC              pc;

  PetscFunctionBegin;
  if (size != 1.0) PetscCall(VecScale(e->b, 1.0 / size));
  PetscCall(VecLockGet(e->b, &b));
  PetscCall(VecLockGet(e->e, &x));
  failed = DiniEngineKSPSolve_Private(e, ksp, e->b, e->e);
  PetscCall(DiniUnlock_Private(e->b, b));
  PetscCall(DiniUnlock_Private(e->e, x));
  if (failed) {
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSHELL, &shell));
    if (ksp == e->companion) PetscCall(DiniEngineDropCompanion_Private(e));
    else if (shell) {
      /* a PC counts the solves that it is in */
      PetscCall(KSPReset(ksp));
      PetscCall(PCCreate(PetscObjectComm((PetscObject)e), &pc));
      PetscCall(DiniEngineSetShell_Private(e, pc));
      PetscCall(KSPSetPC(ksp, pc));
      PetscCall(PCDestroy(&pc));
    }
    e->ready[direction] = PETSC_FALSE;
  }
  PetscCall(failed);
  if (size != 1.0) PetscCall(VecScale(e->e, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tolerance of a pass that begins with the residual in e->b, which is left with the fields that still fail; its norm */
static PetscErrorCode DiniPass(DiniEngine e, DiniDirection direction, DiniSolveResult *status, PetscReal *rtol,
                               PetscReal *norm)
{
  PetscReal wanted;

  PetscFunctionBegin;
  *norm  = status->relative * status->bnorm;
  wanted = e->rtol[direction] * status->bnorm;
  if (e->nfields > 1) PetscCall(DiniEngineFailing_Private(e, direction, &status->fields, e->b, norm, &wanted));
  *rtol = PetscMax(*rtol, 0.5 * wanted / *norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Solves by the KSP and its preconditioner, and refines as long as the true residual misses the tolerance and comes down: a
  KSP that tests a preconditioned or a recurred residual stops early, and says it converged.
*/
PetscErrorCode DiniEngineRefine_Private(DiniEngine e, DiniDirection direction, KSP ksp, Vec b, Vec x,
                                        DiniSolveResult *status, KSPConvergedReason *reason)
{
  PetscReal      rtol, atol, dtol, previous, norm, pass_rtol;
  PetscInt       maxits, its;
  PetscLogDouble start, end;

  PetscFunctionBegin;
  *reason = KSP_CONVERGED_ITERATING;
  PetscCall(PetscTime(&start));
  PetscCall(KSPGetTolerances(ksp, &rtol, &atol, &dtol, &maxits));
  PetscCall(DiniEngineBegin_Private(e, direction, b, x, status));
  for (PetscInt pass = 0; pass < DINI_MAX_PASSES + e->nfields && !status->good; pass++) {
    previous  = status->relative;
    pass_rtol = status->loose ? PetscMax(rtol, 0.5 * e->rtol[direction]) : rtol;
    norm      = status->bnorm;
    if (pass || status->guess) PetscCall(DiniPass(e, direction, status, &pass_rtol, &norm));
    PetscCall(KSPSetTolerances(ksp, pass_rtol, atol, dtol, maxits));
    PetscCall(KSPSetInitialGuessNonzero(ksp, PETSC_FALSE));
    PetscCall(DiniEngineKrylov_Private(e, direction, ksp, norm));
    PetscCall(KSPGetIterationNumber(ksp, &its));
    PetscCall(KSPGetConvergedReason(ksp, reason));
    status->its += its;
    PetscCall(VecAXPY(x, 1.0, e->e));
    PetscCall(DiniEngineProject_Private(e, direction, x));
    PetscCall(DiniEngineResidual_Private(e, direction, b, x, status));
    if (*reason < 0 || !(status->relative < 0.5 * previous)) break;
  }
  if (!status->good && (*reason > 0 || e->nfields > 1))
    PetscCall(DiniEngineAtRounding_Private(e, direction, x, status));
  PetscCall(KSPSetTolerances(ksp, rtol, atol, dtol, maxits));
  PetscCall(PetscTime(&end));
  status->seconds = (PetscReal)(end - start);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves of one kind leave like residuals: rung, age of the preconditioner, worst field, fields with a right-hand side */
PetscInt64 DiniEngineKind_Private(DiniEngine e, const DiniSolveResult *status)
{
  PetscInt64 kind = 0;

  if (e->nfields > 1 && status->fields.hasb) {
    for (PetscInt f = 0; f < e->nfields; f++) kind = 2 * kind + (status->fields.b[f] > 0.0);
    kind = DINI_MAX_FIELDS * kind + status->fields.worst;
  }
  return 2 * (DINI_RUNG_MAX * kind + (PetscInt64)status->rung) + (e->fresh ? 1 : 0);
}
