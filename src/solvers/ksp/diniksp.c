/*
  DINIKSP: A(m) u = b(m) with the KSP's operators, so F(u, m) = A u - b and J = A. A least-squares KSP solves the normal
  equations instead, see dinileastsquares.c.
*/
#include "../../private/dinikspimpl.h"
#include <petsctime.h>

static PetscErrorCode DiniResidual_KSP(Dini dini, Vec u, Vec F)
{
  Mat A;
  Vec b;

  PetscFunctionBegin;
  PetscCall(DiniCurrentSystem_KSP(dini, &A, &b));
  if (((Dini_KSP *)dini->data)->leastsquares) PetscCall(DiniNormalResidual_KSP(dini, A, b, u, F));
  else {
    PetscCall(MatMult(A, u, F));
    PetscCall(VecAXPY(F, -1.0, b));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A at the parameters that are set: the KSP's own at the point, a copy beside it */
static PetscErrorCode DiniBeside_KSP(Dini dini, Mat *J)
{
  Vec b;

  PetscFunctionBegin;
  PetscCall(DiniCurrentSystem_KSP(dini, J, &b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidualNorm_KSP(Dini dini, PetscReal *norm)
{
  PetscFunctionBegin;
  *norm = ((Dini_KSP *)dini->data)->rnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With A u - b in w[0]: can there be a solution? */
static PetscErrorCode DiniDoubtSystem_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A;

  PetscFunctionBegin;
  if (PetscIsInfOrNanReal(ctx->rnorm) || ctx->leastsquares) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(DiniForwardSingular_Private(dini, A, dini->w[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A solve that claims to have converged: not where |A u - b| is far above what was asked for. Some direct solvers return wrong
  vectors with a positive reason. Preconditioned norms are off by orders, so only what is beyond them is refused.
*/
static PetscErrorCode DiniDoubt_KSP(Dini dini, Vec u, DiniConvergedReason *reason)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscReal rtol, scale;

  PetscFunctionBegin;
  PetscCall(KSPGetTolerances(ctx->ksp, &rtol, NULL, NULL, NULL));
  PetscCall(DiniResidual_KSP(dini, u, dini->w[0]));
  PetscCall(DiniNorm_Private(dini->w[0], &ctx->rnorm));
  if (*reason < 0) {
    PetscCall(DiniDoubtSystem_KSP(dini));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (ctx->leastsquares) {
    PetscCall(VecSet(dini->w[1], 0.0));
    PetscCall(DiniResidual_KSP(dini, dini->w[1], dini->w[0])); /* -A^H b */
    PetscCall(DiniNorm_Private(dini->w[0], &scale));
  } else PetscCall(DiniNorm_Private(ctx->b, &scale));
  if (ctx->rnorm <= PetscMin(0.1, 1000.0 * rtol) * PetscMax(dini->attachatol, scale))
    PetscFunctionReturn(PETSC_SUCCESS);
  *reason = PetscIsInfOrNanReal(ctx->rnorm) ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD_RESIDUAL;
  PetscCall(DiniDoubtSystem_KSP(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves with the preconditioner that there is, or with one set up from A; *its counts on */
static PetscErrorCode DiniSolveKept_KSP(Dini dini, Vec u, PetscBool keep, PetscInt *its, KSPConvergedReason *stopped)
{
  Dini_KSP      *ctx = (Dini_KSP *)dini->data;
  PC             pc;
  PetscBool      reuse;
  PetscInt       n;
  PetscLogDouble start, ready, end;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(ctx->ksp, &pc));
  PetscCall(PCGetReusePreconditioner(pc, &reuse));
  PetscCall(PetscTime(&start));
  if (keep) PetscCall(PCSetReusePreconditioner(pc, PETSC_TRUE));
  else if (dini->reuseforward) PetscCall(KSPSetUp(ctx->ksp));
  PetscCall(PetscTime(&ready));
  failed = KSPSolve(ctx->ksp, ctx->b, u);
  PetscCall(PCSetReusePreconditioner(pc, reuse));
  PetscCall(failed);
  PetscCall(PetscTime(&end));
  PetscCall(KSPGetConvergedReason(ctx->ksp, stopped));
  PetscCall(KSPGetIterationNumber(ctx->ksp, &n));
  *its += n;
  PetscCall(DiniForwardSpent_Private(dini, keep, n, (PetscReal)(ready - start), (PetscReal)(end - ready)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_KSP(Dini dini, Vec u, PetscInt *its, DiniConvergedReason *reason, const char **why)
{
  Dini_KSP          *ctx = (Dini_KSP *)dini->data;
  KSPConvergedReason stopped;
  PetscReal          norm;
  PetscBool          keep;
  PetscInt           m, M;
  Mat                A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  if (ctx->leastsquares) {
    PetscCall(MatGetLocalSize(A, &m, NULL));
    PetscCall(MatGetSize(A, &M, NULL));
    PetscCall(DiniCheckLayout_Private(dini, ctx->b, m, M, "The right-hand side b", "the rows of A"));
  } else {
    PetscCall(DiniCheckMatLayout_Private(dini, u, A, "the matrix of the KSP"));
    PetscCall(DiniCheckLayout_Private(dini, ctx->b, dini->n, dini->N, "The right-hand side b", "the state u"));
  }
  PetscCall(DiniRefuseDiagonalScale_Private(dini, ctx->ksp));
  ctx->stamp = 0; /* the application may have changed more than the parameters since */
  PetscCall(DiniAssembleOwn_KSP(dini));
  PetscCall(DiniRaw_KSP(dini));
  PetscCall(DiniNorm_Private(ctx->b, &norm));
  if (PetscIsInfOrNanReal(norm)) {
    *reason = DINI_DIVERGED_NAN;
    *why    = "NaN or Inf in b, from the assembly callback,";
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniForwardKeeps_Private(dini, ctx->ksp, &keep));
  if (keep) { /* a guess to come back to */
    PetscCall(VecCopy(u, dini->w[0]));
    PetscCall(DiniSolveKept_KSP(dini, u, keep, its, &stopped));
    if (stopped < 0) PetscCall(VecCopy(dini->w[0], u));
  }
  if (!keep || stopped < 0) PetscCall(DiniSolveKept_KSP(dini, u, PETSC_FALSE, its, &stopped));
  if (stopped > 0) *reason = DINI_CONVERGED_FORWARD;
  else *reason = stopped == KSP_DIVERGED_NANORINF ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD;
  *why = KSPConvergedReasons[stopped];
  if (ctx->leastsquares && !dini->residual) PetscCall(DiniLeastNorm_KSP(dini, u));
  PetscCall(DiniDoubt_KSP(dini, u, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A is its own Jacobian, and the forward solve has assembled it. */
static PetscErrorCode DiniJacobian_KSP(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  (void)u;
  if (ctx->assemble && ctx->stamp != dini->mstamp) dini->stats.jacobian_assemblies++;
  PetscCall(DiniAssembleOwn_KSP(dini));
  PetscCall(KSPGetOperators(ctx->ksp, J, P));
  if (ctx->square) *P = *J; /* a least-squares KSP may be preconditioned by a matrix like A^H A */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The right-hand side itself as a block: F_b is known */
static PetscErrorCode DiniParameterKind_KSP(Dini dini, Vec m, DiniParameterType *type)
{
  PetscFunctionBegin;
  if (m == ((Dini_KSP *)dini->data)->b && !dini->residual) *type = DINIPARAMETERRHS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetKSP_KSP(Dini dini, KSP *ksp)
{
  PetscFunctionBegin;
  *ksp = ((Dini_KSP *)dini->data)->ksp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniForwardSolver_KSP(Dini dini, KSP *ksp, SNES *snes)
{
  PetscFunctionBegin;
  *ksp  = ((Dini_KSP *)dini->data)->ksp;
  *snes = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_KSP(Dini dini, PetscViewer viewer)
{
  Dini_KSP *ctx  = (Dini_KSP *)dini->data;
  KSPType   type = NULL;

  PetscFunctionBegin;
  if (ctx->ksp) PetscCall(KSPGetType(ctx->ksp, &type));
  PetscCall(PetscViewerASCIIPrintf(viewer, "forward solver: KSP %s, %s%s\n", type ? type : "not set",
                                   ctx->assemble ? "assembled at the current parameters" : "constant operators",
                                   ctx->kernel.n       ? ", least squares of least norm, A carries a null space"
                                   : ctx->leastsquares ? ", least squares by A^H (A u - b) = 0"
                                   : ctx->square       ? ", differentiated as the root of the square A u - b"
                                                       : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatDestroy(&ctx->A));
  PetscCall(MatDestroy(&ctx->P));
  PetscCall(VecDestroy(&ctx->bcopy));
  PetscCall(VecDestroy(&ctx->bpoint));
  PetscCall(DiniKernelReset_KSP(dini));
  PetscCall(MatDestroy(&ctx->normal));
  PetscCall(MatDestroy(&ctx->beside));
  PetscCall(VecDestroy(&ctx->r));
  PetscCall(MatDestroy(&ctx->U));
  PetscCall(VecDestroy(&ctx->column));
  PetscCall(PetscFree(ctx->solved));
  ctx->nsolved = 0;
  ctx->stamp = ctx->copystamp = 0;
  ctx->determined = ctx->linearized = ctx->inplace = ctx->renew = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  PetscCall(DiniReset_KSP(dini));
  PetscCall(KSPDestroy(&ctx->ksp));
  PetscCall(VecDestroy(&ctx->b));
  PetscCall(PetscFree(dini->data));
  dini->antilinear = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetUp_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  ctx->square = PETSC_FALSE;
  PetscCheck(ctx->ksp, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"ksp\", has no KSP; call DiniSetKSP()", DiniLabel_Private(dini));
  PetscCheck(ctx->b, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"ksp\", has no right-hand side; call DiniSetLinearSystem()", DiniLabel_Private(dini));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ctx->ksp, &ctx->leastsquares, KSPLSQR, KSPCGLS, ""));
  dini->ops->jacobian    = DiniJacobian_KSP;
  dini->ops->beside      = DiniBeside_KSP;
  dini->ops->getksp      = DiniGetKSP_KSP;
  dini->ops->rhsjacobian = NULL;
  dini->ops->linearized  = NULL;
  dini->antilinear       = PETSC_FALSE;
  if (ctx->leastsquares) PetscCall(DiniSquareIsRoot_KSP(dini));
  if (ctx->leastsquares) PetscCall(DiniUseLeastSquares_KSP(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_KSP(Dini dini)
{
  Dini_KSP *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  dini->data               = ctx;
  dini->ops->setup         = DiniSetUp_KSP;
  dini->ops->solve         = DiniSolve_KSP;
  dini->ops->residual      = DiniResidual_KSP;
  dini->ops->residualnorm  = DiniResidualNorm_KSP;
  dini->ops->point         = DiniPoint_KSP;
  dini->ops->touched       = DiniTouched_KSP;
  dini->ops->recheck       = DiniRecheck_KSP;
  dini->ops->home          = DiniHome_KSP;
  dini->ops->renew         = DiniRenew_KSP;
  dini->ops->parameterkind = DiniParameterKind_KSP;
  dini->ops->jacobian      = DiniJacobian_KSP;
  dini->ops->beside        = DiniBeside_KSP;
  dini->ops->getksp        = DiniGetKSP_KSP;
  dini->ops->forwardsolver = DiniForwardSolver_KSP;
  dini->ops->view          = DiniView_KSP;
  dini->ops->reset         = DiniReset_KSP;
  dini->ops->destroy       = DiniDestroy_KSP;
  PetscFunctionReturn(PETSC_SUCCESS);
}
