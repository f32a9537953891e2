/* One tangent or adjoint solve: the ladder, and the true residual after every rung. */
#include "../private/diniengineimpl.h"
#include <petsctime.h>
#include <math.h>

#define DINI_MAX_PASSES 6

typedef struct {
  PetscReal bnorm, relative; /* |b|, and |b - A x| / |b| */
  PetscInt  its;
  PetscBool good;
  DiniRung  rung;        /* the last one tried */
  char      tried[1024]; /* what was tried, for the error message */
} DiniSolveStatus;

/* relative = |b - A x| / |b| with the matrix itself; the residual is left in e->b */
static PetscErrorCode DiniTrueResidual(Dini dini, DiniDirection direction, Vec b, Vec x, DiniSolveStatus *status)
{
  DiniEngine e = dini->engine;
  PetscReal  norm;

  PetscFunctionBegin;
  PetscCall(DiniEngineMult_Private(dini, direction, x, e->b));
  PetscCall(VecAYPX(e->b, -1.0, b));
  PetscCall(DiniNorm_Private(e->b, &norm));
  status->relative = norm / status->bnorm;
  status->good     = (PetscBool)(status->relative <= e->rtol[direction]); /* false for NaN */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Where refinement stands still the residual may be all rounding: lambda then solves the system of a matrix that differs
  from J by less than J's own entries are known to, and nothing better can be had. |J| is measured by one random product.
*/
static PetscErrorCode DiniAtRounding(Dini dini, DiniDirection direction, Vec x, DiniSolveStatus *status)
{
  DiniEngine e = dini->engine;
  PetscReal  vnorm, Jvnorm, xnorm, floor;

  PetscFunctionBegin;
  PetscCall(VecSet(e->e, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 12, e->e, e->e));
  PetscCall(DiniNorm_Private(e->e, &vnorm));
  PetscCall(DiniEngineMult_Private(dini, direction, e->e, e->b));
  PetscCall(DiniNorm_Private(e->b, &Jvnorm));
  PetscCall(DiniNorm_Private(x, &xnorm));
  floor = 20.0 * PETSC_MACHINE_EPSILON * (Jvnorm / vnorm) * xnorm / status->bnorm;
  if (!(status->relative <= floor)) PetscFunctionReturn(PETSC_SUCCESS);
  status->good = PETSC_TRUE;
  PetscCall(PetscInfo(dini,
                      "True relative residual %g is rounding (up to %g with this J and this solution): accepted\n",
                      (double)status->relative, (double)floor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Solves by the KSP and its preconditioner, and refines as long as the true residual misses the tolerance and comes down: a
  KSP that tests a preconditioned or a recurred residual stops early, and says it converged.
*/
static PetscErrorCode DiniRefine(Dini dini, DiniDirection direction, Vec b, Vec x, PetscInt cap,
                                 DiniSolveStatus *status, KSPConvergedReason *reason)
{
  DiniEngine e   = dini->engine;
  KSP        ksp = e->ksp[direction];
  PetscReal  rtol, atol, dtol, previous;
  PetscInt   maxits, its;

  PetscFunctionBegin;
  PetscCall(KSPGetTolerances(ksp, &rtol, &atol, &dtol, &maxits));
  PetscCall(VecSet(x, 0.0));
  PetscCall(VecCopy(b, e->b));
  PetscCall(PetscObjectStateIncrease((PetscObject)e->b)); /* VecCopy() takes cached norms along, rank by rank */
  status->relative = 1.0;
  for (int pass = 0; pass < DINI_MAX_PASSES; pass++) {
    previous = status->relative;
    PetscCall(KSPSetTolerances(ksp, pass ? PetscMax(rtol, 0.5 * e->rtol[direction] / previous) : rtol, atol, dtol,
                               cap > 0 ? PetscMin(cap, maxits) : maxits));
    PetscCall(KSPSetInitialGuessNonzero(ksp, PETSC_FALSE));
    PetscCall(KSPSolve(ksp, e->b, e->e));
    PetscCall(KSPGetIterationNumber(ksp, &its));
    PetscCall(KSPGetConvergedReason(ksp, reason));
    status->its += its;
    PetscCall(VecAXPY(x, 1.0, e->e));
    PetscCall(DiniTrueResidual(dini, direction, b, x, status));
    if (status->good || *reason < 0 || !(status->relative < 0.5 * previous)) break;
  }
  if (!status->good && *reason > 0) PetscCall(DiniAtRounding(dini, direction, x, status));
  PetscCall(KSPSetTolerances(ksp, rtol, atol, dtol, maxits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rung of the ladder; *tried is false when it does not apply here */
static PetscErrorCode DiniTryRung(Dini dini, DiniDirection direction, DiniRung rung, Vec b, Vec x,
                                  DiniSolveStatus *status)
{
  DiniEngine         e    = dini->engine;
  PetscBool          ours = (PetscBool)(direction == DINI_ADJOINT && e->method == DINI_METHOD_EXPLICIT);
  PetscBool          shell;
  DiniFrozen         frozen;
  PetscErrorCode     failed;
  KSPConvergedReason reason;
  PC                 pc;
  PetscInt           before = status->its;
  char               line[256];

  PetscFunctionBegin;
  if (rung == DINI_RUNG_GMRES || rung == DINI_RUNG_UNTRANSPOSED || rung == DINI_RUNG_DIRECT)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(e->ksp[direction], &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSHELL, &shell));
  if (rung == DINI_RUNG_REFRESHED) {
    if (!shell || e->fresh) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(DiniEngineSetUpPC_Private(dini, PETSC_TRUE));
    dini->stats.refreshes++;
  } else if (rung == DINI_RUNG_EXPLICIT) {
    if (direction == DINI_TANGENT || ours || e->transpose != DINI_TRANSPOSE_AUTO) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(DiniEngineSetExplicit_Private(dini));
  }
  if (rung == DINI_RUNG_EXPLICIT || !shell || dini->reason != DINI_DIVERGED_PC_FAILED) {
    PetscCall(DiniFreeze_Private(e->pc, &frozen));
    failed = DiniRefine(dini, direction, b, x, rung == DINI_RUNG_KEPT && shell && !e->fresh ? 300 : 0, status, &reason);
    PetscCall(DiniThaw_Private(&frozen));
    PetscCall(failed);
  } else reason = KSP_DIVERGED_PC_FAILED;
  PetscCall(PetscSNPrintf(
      line, sizeof(line), "%s%s preconditioner: %s after %" PetscInt_FMT " iterations, true relative residual %g",
      status->tried[0] ? "; " : "",
      shell || ours || rung == DINI_RUNG_EXPLICIT ? DiniRungs[ours ? DINI_RUNG_EXPLICIT : rung] : "own",
      KSPConvergedReasons[reason], status->its - before, (double)status->relative));
  status->rung = ours ? DINI_RUNG_EXPLICIT : rung;
  PetscCall(PetscStrlcat(status->tried, line, sizeof(status->tried)));
  PetscCall(PetscInfo(dini, "%s solve, %s\n", DiniOperations[DINI_OPERATION_TANGENT + direction], line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's own solve: zero guess in, answer verified */
static PetscErrorCode DiniUserSolve(Dini dini, DiniDirection direction, Vec b, Vec x, DiniSolveStatus *status)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(VecSet(x, 0.0));
  PetscCall(VecCopy(b, dini->engine->b)); /* the callback's to spoil */
  DiniCallUser(dini,
               direction == DINI_TANGENT ? "The tangent solve callback (DiniSetTangentSolve())"
                                         : "The adjoint solve callback (DiniSetAdjointSolve())",
               (*dini->linearsolve[direction])(dini, dini->engine->b, x, dini->linearsolvectx[direction]));
  PetscCall(DiniCheckFinite_Private(dini, x,
                                    direction == DINI_TANGENT ? "The result of the tangent solve callback"
                                                              : "The result of the adjoint solve callback",
                                    &norm));
  if (dini->engine->J) PetscCall(DiniTrueResidual(dini, direction, b, x, status));
  else {
    PetscCall(DiniEngineVerifyUser_Private(dini, direction, b, x, status->bnorm, &status->relative));
    status->good = (PetscBool)(status->relative <= PetscMax(1e-5, dini->engine->rtol[direction]));
  }
  status->rung = DINI_RUNG_USER;
  PetscCall(PetscSNPrintf(status->tried, sizeof(status->tried),
                          "the application's own solve: true relative residual %g", (double)status->relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRecord(Dini dini, DiniDirection direction, const DiniSolveStatus *status, PetscReal seconds)
{
  DiniStatistics *s = &dini->stats;

  PetscFunctionBegin;
  if (direction == DINI_TANGENT) {
    s->tangent_solves++;
    s->tangent_iterations += status->its;
    s->tangent_seconds += seconds;
    s->tangent_rung = status->good ? status->rung : DINI_RUNG_NONE;
    if (status->good) s->tangent_residual = PetscMax(s->tangent_residual, status->relative);
  } else {
    s->adjoint_solves++;
    s->adjoint_iterations += status->its;
    s->adjoint_seconds += seconds;
    s->adjoint_rung = status->good ? status->rung : DINI_RUNG_NONE;
    if (status->good) s->adjoint_residual = PetscMax(s->adjoint_residual, status->relative);
  }
  if (status->good) s->rungs[status->rung]++;
  if (status->good) dini->reason = direction == DINI_TANGENT ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
  else if (dini->reason != DINI_DIVERGED_PC_FAILED)
    dini->reason = PetscIsInfOrNanReal(status->relative) ? DINI_DIVERGED_NAN
                   : direction == DINI_TANGENT           ? DINI_DIVERGED_TANGENT
                                                         : DINI_DIVERGED_ADJOINT;
  PetscCall(DiniMonitor_Private(dini, direction == DINI_TANGENT ? DINI_OPERATION_TANGENT : DINI_OPERATION_ADJOINT,
                                status->its, status->relative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J x = b or J^H x = b, right to the tolerance or not at all. */
PetscErrorCode DiniEngineSolve_Private(Dini dini, DiniDirection direction, Vec b, Vec x)
{
  const PetscLogEvent event  = direction == DINI_TANGENT ? DINI_Tangent : DINI_Adjoint;
  DiniSolveStatus     status = {0};
  PetscLogDouble      start, end;
  const char         *what, *prefix;

  PetscFunctionBegin;
  PetscCheck(b != x, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "Right-hand side and solution of a linear solve must be different vectors");
  PetscCall(DiniCheckFinite_Private(dini, b,
                                    direction == DINI_TANGENT ? "The right-hand side of the tangent solve"
                                                              : "The right-hand side of the adjoint solve",
                                    &status.bnorm));
  if (status.bnorm == 0.0) {
    PetscCall(VecSet(x, 0.0));
    dini->reason = direction == DINI_TANGENT ? DINI_CONVERGED_TANGENT : DINI_CONVERGED_ADJOINT;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(event, dini, b, x, 0));
  dini->reason = DINI_CONVERGED_ITERATING;
  if (dini->linearsolve[direction]) PetscCall(DiniUserSolve(dini, direction, b, x, &status));
  else {
    PetscCall(DiniEnginePrepare_Private(dini, direction));
    for (int rung = DINI_RUNG_KEPT; rung < DINI_RUNG_MAX && !status.good; rung++)
      PetscCall(DiniTryRung(dini, direction, (DiniRung)rung, b, x, &status));
  }
  PetscCall(PetscLogEventEnd(event, dini, b, x, 0));
  PetscCall(PetscTime(&end));
  PetscCall(DiniRecord(dini, direction, &status, (PetscReal)(end - start)));
  if (status.good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecSet(x, NAN)); /* nobody shall take it for a derivative */
  what   = DiniOperations[DINI_OPERATION_TANGENT + direction];
  prefix = ((PetscObject)dini)->prefix ? ((PetscObject)dini)->prefix : "";
  PetscCheck(
      !dini->erroriffail, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "The %s solve missed the true relative residual %g it has to reach (%s). The derivative would be wrong, so there "
      "is none. Try -%sdini_%s_ksp_max_it, -%sdini_%s_ksp_gmres_restart, -%sdini_%s_pc_type or a better forward "
      "preconditioner, watch it with -%sdini_%s_ksp_monitor_true_residual, or accept less with -%sdini_%s_rtol",
      what, (double)dini->engine->rtol[direction], status.tried, prefix, what, prefix, what, prefix, what, prefix, what,
      prefix, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}
