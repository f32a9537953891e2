/* Tao drives the parameters: first-order types and Newton's, from the options database. */
#include "../private/diniimpl.h"

#define DINI_INNER_RTOL 1e-2 /* of the linear solves in a Hessian product, times the tolerance of the Newton step's */

/*
  A trial point at which the forward or the adjoint solve fails is outside the domain of the objective. Tao's Armijo searches know what to
  do about an infinite value, but More-Thuente, the default, interpolates with it and is left with a step of zero. A value
  ten times the last good one makes all of them shorten the step, again and again where need be. An optimisation that can
  not even start is an error.
*/
static PetscErrorCode DiniTaoObjectiveAndGradient(Tao tao, Vec m, PetscReal *f, Vec g, void *ctx)
{
  Dini      dini = (Dini)ctx;
  PetscReal last = dini->lastvalue;

  PetscFunctionBegin;
  (void)tao;
  PetscCall(DiniEvaluate_Private(dini, m, dini->hasvalue, f, g));
  if (PetscIsInfOrNanReal(*f)) {
    *f = last + 9.0 * (last != 0.0 ? PetscAbsReal(last) : 1.0);
    PetscCall(PetscInfo(dini, "A solve failed at a trial point: the line search gets the value %g\n", (double)*f));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaoObjective(Tao tao, Vec m, PetscReal *f, void *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniTaoObjectiveAndGradient(tao, m, f, NULL, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  PETSc's default preconditioners read matrix entries, which the Hessian has none of. Tao's BFGS matrix does where the Tao
  has its KSP already; a type chosen later goes without, as Tao looks for that matrix before it asks for the Hessian.
*/
static PetscErrorCode DiniTaoPreconditioner(Tao tao, PCType type)
{
  KSP       ksp;
  PC        pc;
  PCType    old;
  PetscBool blind;

  PetscFunctionBegin;
  PetscCall(TaoGetKSP(tao, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGetType(pc, &old));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &blind, PCILU, PCBJACOBI, PCICC, ""));
  if (!old || blind) PetscCall(PCSetType(pc, type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Hessian that a Tao works with belongs to the parameters at which the Tao has asked for it */
typedef struct {
  Dini      dini;
  Vec       m;
  PetscReal rtol;
} DiniTaoHessian;

/* A trust region that has rejected a step goes on with the old Hessian, while the state is that of the trial point. */
static PetscErrorCode DiniTaoHessianMult(Mat H, Vec v, Vec Hv)
{
  DiniTaoHessian *hessian;
  PetscBool       converged;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(H, &hessian));
  PetscCheck(hessian->m, PetscObjectComm((PetscObject)H), PETSC_ERR_ORDER,
             "The Tao has not computed its Hessian yet; call TaoComputeHessian()");
  PetscCall(DiniSolveAt_Private(hessian->dini, hessian->m, PETSC_FALSE, &converged));
  hessian->dini->hessian.rtol = hessian->rtol;
  failed                      = DiniHVP(hessian->dini, v, Hv);
  hessian->dini->verified     = PETSC_FALSE;
  hessian->dini->hessian.rtol = 0.0; /* other products at this point are as exact as ever */
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaoHessianDestroy(Mat H)
{
  DiniTaoHessian *hessian;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(H, &hessian));
  PetscCall(VecDestroy(&hessian->m));
  PetscCall(DiniDestroy(&hessian->dini));
  PetscCall(PetscFree(hessian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniTaoHessianCreate(Dini dini, Mat *H)
{
  DiniTaoHessian *hessian;
  PetscInt        n, N;

  PetscFunctionBegin;
  PetscCall(PetscNew(&hessian));
  PetscCall(PetscObjectReference((PetscObject)dini));
  hessian->dini = dini;
  PetscCall(DiniParameterLayout_Private(dini, &n, &N));
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), n, n, N, N, hessian, H));
  PetscCall(MatShellSetOperation(*H, MATOP_MULT, (void (*)(void))DiniTaoHessianMult));
  PetscCall(MatShellSetOperation(*H, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniTaoHessianMult));
  PetscCall(MatShellSetOperation(*H, MATOP_DESTROY, (void (*)(void))DiniTaoHessianDestroy));
  PetscCall(MatSetOption(*H, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatSetOption(*H, MAT_SYMMETRY_ETERNAL, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The Hessian needs no assembly but the state at m. Newton's linear solves are inexact, so those inside its products may be,
  as far below as a Krylov method does not notice.
*/
static PetscErrorCode DiniTaoComputeHessian(Tao tao, Vec m, Mat H, Mat Hpre, void *ctx)
{
  DiniTaoHessian *hessian;
  KSP             ksp;
  PetscReal       rtol = 0.0;
  PetscBool       converged;

  PetscFunctionBegin;
  PetscCall(DiniSolveAt_Private((Dini)ctx, m, PETSC_FALSE, &converged));
  ((Dini)ctx)->verified = PETSC_FALSE;
  PetscCall(MatShellGetContext(H, &hessian));
  if (!hessian->m) PetscCall(VecDuplicate(m, &hessian->m));
  PetscCall(VecCopy(m, hessian->m));
  PetscCall(TaoGetKSP(tao, &ksp));
  if (ksp) PetscCall(KSPGetTolerances(ksp, &rtol, NULL, NULL, NULL));
  hessian->rtol = DINI_INNER_RTOL * PetscMin(rtol, 1.0);
  if (H == Hpre) PetscCall(DiniTaoPreconditioner(tao, PCNONE));
  PetscCall(MatAssemblyBegin(H, MAT_FINAL_ASSEMBLY)); /* undoes the shifts by which Tao's methods make H definite */
  PetscCall(MatAssemblyEnd(H, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a matrix near the Hessian of the reduced objective, from which optimisers build their preconditioner.
  @level{intermediate}

  Logically Collective. Such as the precision matrix of a prior. Without it, Tao's Newton methods use their own, a limited-memory
  BFGS matrix by default.

  @param[in] dini the Dini
  @param[in] P    rows and columns laid out as a flat parameter vector; referenced; NULL for none
  @return 0 or a PETSc error code

  @see DiniSetTao(), DiniGetHessian()
*/
PetscErrorCode DiniSetHessianPreconditioner(Dini dini, Mat P)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (P) PetscCall(DiniCheckComm_Private(dini, (PetscObject)P, "The preconditioning matrix of the Hessian"));
  PetscCall(PetscObjectReference((PetscObject)P));
  PetscCall(MatDestroy(&dini->hessian.prior));
  dini->hessian.prior = P;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Lets a Tao minimise the objective of a Dini over its active parameters.
  @level{beginner}

  Collective. Sets the Tao's objective and gradient and, unless it has one, its solution: a flat parameter vector with the
  current values; in real builds also its Hessian, by DiniHVP(). Types of first order and Newton's then work from the
  options database, `-tao_type blmvm` or `bnls`, say. Newton's linear solves are inexact, and the tolerance of the solves in a
  Hessian product follows theirs. A forward solve that
  fails at a trial point gives the line search a value ten times the last good one, so that it shortens its step, and the
  state is put back. PETSc registers no types of Tao in complex builds: there this serves types of one's own, by TaoRegister().

  @param[in] dini the Dini, with DiniSetState() and DiniSetObjective()
  @param[in] tao  the optimiser; it keeps a reference to the Dini
  @return 0 or a PETSc error code

  Options: those of Tao.
*/
PetscErrorCode DiniSetTao(Dini dini, Tao tao)
{
  Vec m;
  Mat H;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(tao, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetTao() got no Tao");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)tao, "The Tao"));
  PetscCall(TaoGetSolution(tao, &m));
  if (!m) {
    PetscCall(DiniCreateParameterVec(dini, &m));
    PetscCall(TaoSetSolution(tao, m));
    PetscCall(VecDestroy(&m));
  }
  PetscCall(TaoSetObjective(tao, DiniTaoObjective, dini));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, DiniTaoObjectiveAndGradient, dini));
  if (!PetscDefined(USE_COMPLEX)) {
    PetscCall(DiniTaoHessianCreate(dini, &H));
    PetscCall(TaoSetHessian(tao, H, dini->hessian.prior ? dini->hessian.prior : H, DiniTaoComputeHessian, dini));
    PetscCall(MatDestroy(&H));
    if (!dini->hessian.prior) PetscCall(DiniTaoPreconditioner(tao, PCLMVM));
  }
  PetscCall(PetscObjectCompose((PetscObject)tao, "Dini", (PetscObject)dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
