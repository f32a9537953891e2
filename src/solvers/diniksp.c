/* DINIKSP: A(m) u = b(m) with the KSP's operators, so F(u, m) = A u - b and J = A. */
#include "../private/diniimpl.h"
#include <petsctime.h>

typedef struct {
  KSP                 ksp;
  Vec                 b;
  DiniLinearSystemFn *assemble;
  void               *assemblectx;
  PetscInt64          stamp; /* of the parameters that the KSP's own A belongs to, 0 for none */
  Mat                 A, P;  /* copies, for residuals beside the point: the KSP's factorisation stays good */
  Vec                 bcopy;
  PetscInt64          copystamp;
  PetscReal           rnorm; /* |A u - b| after the last solve */
} Dini_KSP;

static PetscErrorCode DiniSetUp_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscBool lsqr;

  PetscFunctionBegin;
  PetscCheck(ctx->ksp, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"ksp\", has no KSP; call DiniSetKSP()", DiniLabel_Private(dini));
  PetscCheck(ctx->b, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s, of type \"ksp\", has no right-hand side; call DiniSetLinearSystem()", DiniLabel_Private(dini));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ctx->ksp, &lsqr, KSPLSQR, KSPCGLS, ""));
  PetscCheck(!lsqr, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "A least-squares KSP does not solve A u = b, so F(u, m) = A u - b is not its relation; form the normal "
             "equations");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniAssemble(Dini dini, Mat A, Mat P, Vec b)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  DiniCallUser(dini, "The assembly callback (DiniSetLinearSystem())",
               (*ctx->assemble)(dini, A, P, b, ctx->assemblectx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The KSP's own A and b at the current parameters */
static PetscErrorCode DiniAssembleOwn(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       A, P;

  PetscFunctionBegin;
  if (!ctx->assemble || ctx->stamp == dini->mstamp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetOperators(ctx->ksp, &A, &P));
  PetscCall(DiniAssemble(dini, A, P, ctx->b));
  ctx->stamp = dini->mstamp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidualNorm_KSP(Dini dini, PetscReal *norm)
{
  PetscFunctionBegin;
  *norm = ((Dini_KSP *)dini->data)->rnorm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A solve that claims to have converged: not where |A u - b| is far above what was asked for. Some direct solvers return wrong
  vectors with a positive reason. Preconditioned norms are off by orders, so only what is beyond them is refused.
*/
static PetscErrorCode DiniDoubt(Dini dini, Vec u, PetscReal bnorm, DiniConvergedReason *reason, const char **why)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscReal rtol;
  Mat       A;

  PetscFunctionBegin;
  PetscCall(KSPGetTolerances(ctx->ksp, &rtol, NULL, NULL, NULL));
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(MatMult(A, u, dini->w[0]));
  PetscCall(VecAXPY(dini->w[0], -1.0, ctx->b));
  PetscCall(DiniNorm_Private(dini->w[0], &ctx->rnorm));
  if (*reason < 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (ctx->rnorm <= PetscMin(0.1, 1000.0 * rtol) * PetscMax(dini->attachatol, bnorm))
    PetscFunctionReturn(PETSC_SUCCESS);
  *reason = PetscIsInfOrNanReal(ctx->rnorm) ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD_RESIDUAL;
  *why    = "a positive reason and a residual far from it, which makes it wrong,";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves with the preconditioner that there is, or with one set up from A; *its counts on */
static PetscErrorCode DiniSolveKept(Dini dini, Vec u, PetscBool keep, PetscInt *its, KSPConvergedReason *stopped)
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
  Mat                A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(DiniCheckMatLayout_Private(dini, u, A, "the matrix of the KSP"));
  PetscCall(DiniCheckLayout_Private(dini, ctx->b, dini->n, dini->N, "The right-hand side b", "the state u"));
  ctx->stamp = 0; /* the application may have changed more than the parameters since */
  PetscCall(DiniAssembleOwn(dini));
  PetscCall(DiniNorm_Private(ctx->b, &norm));
  if (PetscIsInfOrNanReal(norm)) {
    *reason = DINI_DIVERGED_NAN;
    *why    = "NaN or Inf in b, from the assembly callback,";
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniForwardKeeps_Private(dini, ctx->ksp, &keep));
  if (keep) { /* a guess to come back to */
    PetscCall(VecCopy(u, dini->w[0]));
    PetscCall(DiniSolveKept(dini, u, keep, its, &stopped));
    if (stopped < 0) PetscCall(VecCopy(dini->w[0], u));
  }
  if (!keep || stopped < 0) PetscCall(DiniSolveKept(dini, u, PETSC_FALSE, its, &stopped));
  if (stopped > 0) *reason = DINI_CONVERGED_FORWARD;
  else *reason = stopped == KSP_DIVERGED_NANORINF ? DINI_DIVERGED_NAN : DINI_DIVERGED_FORWARD;
  *why = KSPConvergedReasons[stopped];
  PetscCall(DiniDoubt(dini, u, norm, reason, why));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A and b at the parameters that are set: the KSP's own at the point, copies beside it */
static PetscErrorCode DiniSystem(Dini dini, Mat *A, Vec *b)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Mat       P;

  PetscFunctionBegin;
  *b = ctx->b;
  PetscCall(KSPGetOperators(ctx->ksp, A, &P));
  if (ctx->assemble && !ctx->stamp) PetscCall(DiniAssembleOwn(dini)); /* attach: no solve has assembled it */
  if (!ctx->assemble || ctx->stamp == dini->mstamp) PetscFunctionReturn(PETSC_SUCCESS);
  if (!ctx->A) {
    PetscCall(MatDuplicate(*A, MAT_COPY_VALUES, &ctx->A));
    if (P == *A) {
      PetscCall(PetscObjectReference((PetscObject)ctx->A));
      ctx->P = ctx->A;
    } else PetscCall(MatDuplicate(P, MAT_COPY_VALUES, &ctx->P));
    PetscCall(VecDuplicate(ctx->b, &ctx->bcopy));
  }
  if (ctx->copystamp != dini->mstamp) {
    PetscCall(VecCopy(ctx->b, ctx->bcopy));
    PetscCall(DiniAssemble(dini, ctx->A, ctx->P, ctx->bcopy));
  }
  ctx->copystamp = dini->mstamp;
  *A             = ctx->A;
  *b             = ctx->bcopy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidual_KSP(Dini dini, Vec u, Vec F)
{
  Mat A;
  Vec b;

  PetscFunctionBegin;
  PetscCall(DiniSystem(dini, &A, &b));
  PetscCall(MatMult(A, u, F));
  PetscCall(VecAXPY(F, -1.0, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBeside_KSP(Dini dini, Mat *J)
{
  Vec b;

  PetscFunctionBegin;
  PetscCall(DiniSystem(dini, J, &b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A is its own Jacobian, and the forward solve has assembled it. */
static PetscErrorCode DiniJacobian_KSP(Dini dini, Vec u, Mat *J, Mat *P)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  (void)u;
  if (ctx->assemble && ctx->stamp != dini->mstamp) dini->stats.jacobian_assemblies++;
  PetscCall(DiniAssembleOwn(dini));
  PetscCall(KSPGetOperators(ctx->ksp, J, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetKSP_KSP(Dini dini, KSP *ksp)
{
  PetscFunctionBegin;
  *ksp = ((Dini_KSP *)dini->data)->ksp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_KSP(Dini dini, PetscViewer viewer)
{
  Dini_KSP *ctx  = (Dini_KSP *)dini->data;
  KSPType   type = NULL;

  PetscFunctionBegin;
  if (ctx->ksp) PetscCall(KSPGetType(ctx->ksp, &type));
  PetscCall(PetscViewerASCIIPrintf(viewer, "forward solver: KSP %s, %s\n", type ? type : "not set",
                                   ctx->assemble ? "assembled at the current parameters" : "constant operators"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_KSP(Dini dini)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;

  PetscFunctionBegin;
  PetscCall(MatDestroy(&ctx->A));
  PetscCall(MatDestroy(&ctx->P));
  PetscCall(VecDestroy(&ctx->bcopy));
  ctx->stamp = ctx->copystamp = 0;
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCreate_KSP(Dini dini)
{
  Dini_KSP *ctx;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ctx));
  dini->data              = ctx;
  dini->ops->setup        = DiniSetUp_KSP;
  dini->ops->solve        = DiniSolve_KSP;
  dini->ops->residual     = DiniResidual_KSP;
  dini->ops->residualnorm = DiniResidualNorm_KSP;
  dini->ops->jacobian     = DiniJacobian_KSP;
  dini->ops->beside       = DiniBeside_KSP;
  dini->ops->getksp       = DiniGetKSP_KSP;
  dini->ops->view         = DiniView_KSP;
  dini->ops->reset        = DiniReset_KSP;
  dini->ops->destroy      = DiniDestroy_KSP;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes a KSP the solver behind a Dini, of type DINIKSP: F(u, m) = A(m) u - b(m) with the KSP's operators.

  Collective. Follow it with DiniSetLinearSystem().

  @param[in] dini the Dini
  @param[in] ksp  solver with its operators set; referenced
  @return 0 or a PETSc error code

  @see DiniSetLinearSystem(), DiniSetSNES()
*/
PetscErrorCode DiniSetKSP(Dini dini, KSP ksp)
{
  Dini_KSP *ctx;
  PetscBool A, P;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(ksp, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetKSP() got no KSP");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)ksp, "The KSP"));
  PetscCall(KSPGetOperatorsSet(ksp, &A, &P));
  PetscCheck(A && P, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "The KSP has no operators; call KSPSetOperators() before DiniSetKSP()");
  PetscCall(DiniSetType(dini, DINIKSP));
  ctx = (Dini_KSP *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)ksp));
  PetscCall(KSPDestroy(&ctx->ksp));
  ctx->ksp = ksp;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the KSP behind a Dini.

  Not Collective.

  @param[in]  dini the Dini
  @param[out] ksp  the KSP, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetKSP(Dini dini, KSP *ksp)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIKSP, &is));
  *ksp = is ? ((Dini_KSP *)dini->data)->ksp : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the right-hand side of a linear system, and how A and b follow from the parameters.

  Logically Collective.

  @param[in] dini the Dini, of type DINIKSP
  @param[in] b    right-hand side; referenced. It may itself be a parameter block, of type DINIPARAMETERRHS
  @param[in] fn   assembles A, P and b at the current parameters; it must write into the matrices and the vector it is
                  handed, which are copies of the KSP's when differences are taken. NULL when A and b are constant, or
                  belong to the application
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER when the Dini is not of type DINIKSP
*/
PetscErrorCode DiniSetLinearSystem(Dini dini, Vec b, DiniLinearSystemFn *fn, void *ctx)
{
  Dini_KSP *data;
  PetscBool is;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIKSP, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "DiniSetLinearSystem() goes with DiniSetKSP(); call that first");
  PetscCheck(b, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "The right-hand side b is NULL");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)b, "The right-hand side b"));
  data = (Dini_KSP *)dini->data;
  PetscCall(PetscObjectReference((PetscObject)b));
  PetscCall(VecDestroy(&data->b));
  data->b           = b;
  data->assemble    = fn;
  data->assemblectx = ctx;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
