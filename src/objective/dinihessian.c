/* The Hessian of the reduced objective m -> J(u(m), m): products, blocks of them, and the Mat. */
#include "../private/diniimpl.h"
#include <math.h>

const char *const DiniHessianTypes[] = {"full", "gauss_newton", "blend", "DiniHessianType", "DINI_HESSIAN_", NULL};

/* Layouts have changed: the Mat goes, and whoever holds it finds out */
PetscErrorCode DiniHessianReset_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniProductsRelease_Private(&dini->hessian.H));
  PetscCall(VecDestroy(&dini->hessian.lambda));
  PetscCall(VecDestroy(&dini->hessian.dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniHessianSetFromOptions_Private(Dini dini, DiniOptionItems PetscOptionsObject)
{
  DiniHessianType type  = dini->hessian.type;
  PetscReal       blend = dini->hessian.blend, step = dini->hessian.step;
  PetscBool       set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-dini_hessian_type", "Which Hessian of the reduced objective", "DiniSetHessianType",
                             DiniHessianTypes, (PetscEnum)type, (PetscEnum *)&type, &set));
  if (set) PetscCall(DiniSetHessianType(dini, type));
  PetscCall(PetscOptionsReal("-dini_hessian_blend", "Fraction of the second derivatives of F in it",
                             "DiniSetHessianBlend", blend, &blend, &set));
  if (set) PetscCall(DiniSetHessianBlend(dini, blend));
  PetscCall(PetscOptionsReal("-dini_hessian_step", "Relative step of differences of first-order products",
                             "DiniSetHessianStep", step, &step, &set));
  if (set) PetscCall(DiniSetHessianStep(dini, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dJ/du that lambda belongs to */
PetscErrorCode DiniHessianOf_Private(Dini dini, Vec dJdu)
{
  PetscFunctionBegin;
  if (!dini->hessian.dJdu) PetscCall(VecDuplicate(dini->u, &dini->hessian.dJdu));
  PetscCall(VecCopy(dJdu, dini->hessian.dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  lambda with J^H lambda = dJ/du at the point: one adjoint solve, unless a gradient there has left it, of the same dJ/du: a
  weight or data of the objective may be others now
*/
static PetscErrorCode DiniObjectiveAdjoint(Dini dini)
{
  Vec            dJdu, dJdm;
  PetscBool      same = PETSC_FALSE, good;
  PetscErrorCode failed;

  PetscFunctionBegin;
  if (!dini->hessian.lambda) {
    PetscCall(VecDuplicate(dini->u, &dini->hessian.lambda));
    dini->hessian.point = 0;
  }
  PetscCall(VecDuplicate(dini->u, &dJdu));
  PetscCall(DiniCreateParameterVec(dini, &dJdm));
  failed = DiniObjectivePartials_Private(dini, dini->objective, dJdu, dJdm);
  if (!failed && dini->hessian.point == dini->point && dini->hessian.dJdu)
    failed = VecEqual(dJdu, dini->hessian.dJdu, &same);
  if (!failed && !same) {
    dini->hessian.point = 0;
    failed              = DiniLinearSolve_Private(dini, DINI_ADJOINT, dJdu, dini->hessian.lambda, &good);
    if (!failed) failed = DiniHessianOf_Private(dini, dJdu);
    if (!failed && good) dini->hessian.point = dini->point;
    dini->hessian.left = DiniSolveError_Private(dini);
  }
  PetscCall(VecDestroy(&dJdu));
  PetscCall(VecDestroy(&dJdm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a product needs besides its direction; lambda is solved for to the full tolerance */
static PetscErrorCode DiniHessianReady(Dini dini)
{
  PetscFunctionBegin;
  PetscCheck(dini->objective, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "There is no objective to take the Hessian of; call DiniSetObjective()");
  PetscCheck(!dini->ops->vjp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s, of type \"%s\", has first derivatives only; difference its gradients", DiniLabel_Private(dini),
             ((PetscObject)dini)->type_name);
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniObjectiveAdjoint(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHVPAny(Dini dini, Vec v, Vec Hv)
{
  PetscFunctionBegin;
  PetscCall(DiniCheckFlat_Private(dini, v, "The direction v"));
  PetscCall(DiniCheckFlat_Private(dini, Hv, "The result H v"));
  if (dini->hessian.point != dini->point) { /* the solve for lambda has failed */
    PetscCall(VecSet(Hv, NAN));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniRuleHVP_Private(dini, v, Hv));
  dini->stats.hessian_products++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHessianBlock(Dini dini, PetscInt first, PetscInt count, Mat R, Mat X, void *ctx)
{
  const PetscBool policy = dini->erroriffail;
  const Mat      *call   = (const Mat *)ctx; /* V and HV */
  PetscErrorCode  failed;
  Vec             v;

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    PetscCall(MatDenseGetColumnVecRead(call[k], first, &v));
    failed = DiniCheckFlat_Private(dini, v, k ? "The result H v" : "The direction v");
    PetscCall(MatDenseRestoreColumnVecRead(call[k], first, &v));
    PetscCall(failed);
  }
  dini->erroriffail = PETSC_TRUE;
  failed            = DiniRuleMatHVP_Private(dini, call[0], call[1], first, count, R, X);
  dini->erroriffail = policy;
  dini->stats.hessian_products += count;
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBlockProduct(Dini dini, Mat V, Mat HV)
{
  Mat      call[2] = {V, HV};
  PetscInt n       = 0;

  PetscFunctionBegin;
  PetscCheck(dini->hessian.point == dini->point, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: the adjoint solve for lambda, with J^H lambda = dJ/du, has failed, so there is no Hessian",
             DiniLabel_Private(dini));
  PetscCall(DiniCheckColumns_Private(dini, V, HV, "DiniMatHVP()", &n));
  PetscCall(DiniEachBlock_Private(dini, n, DiniHessianBlock, call));
  PetscCall(MatAssemblyBegin(HV, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(HV, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At the last solution, wherever the state of the objectives is; as exactly as asked for */
static PetscErrorCode DiniApplyHessian(Dini dini, Vec v, Vec Hv, Mat V, Mat HV)
{
  const Vec      state = dini->state;
  PetscReal      rtol[2], loose = dini->hessian.rtol;
  DiniTolerances before;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniCheckPoint_Private(dini));
  PetscCall(DiniGetTolerances(dini, &rtol[0], &rtol[1]));
  dini->state = dini->u;
  failed      = DiniHessianReady(dini);
  PetscCall(DiniEngineUseTolerances_Private(dini->engine, PetscMax(rtol[0], loose), PetscMax(rtol[1], loose), &before));
  if (!failed) failed = V ? DiniBlockProduct(dini, V, HV) : DiniHVPAny(dini, v, Hv);
  PetscCall(DiniEngineRestoreTolerances_Private(dini->engine, &before));
  dini->state = state;
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the Hessian of the reduced objective m -> J(u(m), m) of DiniSetObjective() to a direction.
  @level{intermediate}

  Collective. One tangent and one adjoint solve with the kept preconditioner, J du = -F_m v and J^H mu = J_uu du + J_um v -
  (F_uu du + F_um v)^H lambda; then H v = J_mu du + J_mm v - (F_mu du + F_mm v)^H lambda - F_m^H mu. The first product at a
  point adds the solve for lambda, J^H lambda = dJ/du, unless DiniComputeObjectiveAndGradient() has been there. Second
  derivatives come from DiniSetObjectiveHessian() and DiniSetResidualHessian(), or from differences of first-order products. In
  complex builds H is linear over the reals: g(m + v) = g(m) + H v, with dJ = Re <g, dm>.

  @param[in]  dini the Dini, at a solution, with DiniSetObjective()
  @param[in]  v    direction, a flat parameter vector
  @param[out] Hv   H v, a flat parameter vector; units of J per units of m twice, times those of v
  @return 0 or a PETSc error code; those of DiniJVP() and DiniVJP(), PETSC_ERR_ORDER without an objective,
          PETSC_ERR_ARG_WRONG when a callback for second derivatives disagrees with differences

  Options: `-dini_hessian_type`, `-dini_hessian_blend`, `-dini_hessian_step`.

  @see DiniMatHVP(), DiniGetHessian(), DiniSetHessianType()
*/
PetscErrorCode DiniHVP(Dini dini, Vec v, Vec Hv)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(v && Hv && v != Hv, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "DiniHVP() needs two different vectors");
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniHVP()", DINI_DOOR_DERIVATIVES, DiniApplyHessian(dini, v, Hv, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the Hessian of the reduced objective to many directions, with one block of tangent and one of adjoint solves.
  @level{intermediate}

  Collective.

  @param[in]  dini the Dini, at a solution, with DiniSetObjective()
  @param[in]  V    dense matrix, rows laid out as a flat parameter vector
  @param[out] HV   dense matrix of the same shape
  @return 0 or a PETSc error code, see DiniHVP(); a solve that fails is an error whatever DiniSetErrorIfNotConverged() says

  Options: `-dini_block_size`.
*/
PetscErrorCode DiniMatHVP(Dini dini, Mat V, Mat HV)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(V && HV && V != HV, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "DiniMatHVP() needs two different dense matrices");
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniMatHVP()", DINI_DOOR_DERIVATIVES, DiniApplyHessian(dini, NULL, NULL, V, HV));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHessianMult(void *dini, Vec v, Vec Hv)
{
  return DiniHVP((Dini)dini, v, Hv);
}

static PetscErrorCode DiniHessianMatMult(void *dini, Mat V, Mat HV)
{
  return DiniMatHVP((Dini)dini, V, HV);
}

static const DiniProductOps DiniHessianProducts = {.what  = "Hessian",
                                                   .again = "DiniGetHessian()",
                                                   .mult  = DiniHessianMult,
#if !defined(PETSC_USE_COMPLEX)
                                                   .multtranspose = DiniHessianMult,
#endif
                                                   .matmult = DiniHessianMatMult};

/**
  @brief Gives the Hessian of the reduced objective as a Mat.
  @level{intermediate}

  Collective. MatMult() is DiniHVP() and MatMatMult() with a dense matrix DiniMatHVP(), at the last solution. In real builds
  it says it is symmetric, which it is to the tolerance of the linear solves. In complex builds it is linear over the reals
  only, and symmetric for Re <x, y>; the Gauss-Newton Hessian is Hermitian.

  @param[in]  dini the Dini, after DiniSolve(), DiniAttach() or DiniComputeObjective()
  @param[out] H    rows and columns laid out as a flat parameter vector; belongs to the Dini, reference it to keep it
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetHessian(Dini dini, Mat *H)
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (!dini->hessian.H) {
    PetscCall(DiniParameterLayout_Private(dini, &n, &N));
    PetscCheck(N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
               "This Dini has no active parameter to differentiate with respect to; call DiniAddParameter()");
    PetscCall(DiniProductsCreate_Private((PetscObject)dini, (PetscInt[2]){n, N}, (PetscInt[2]){n, N},
                                         &DiniHessianProducts, dini, &dini->hessian.H));
    if (!PetscDefined(USE_COMPLEX)) {
      PetscCall(MatSetOption(dini->hessian.H, MAT_SYMMETRIC, PETSC_TRUE));
      PetscCall(MatSetOption(dini->hessian.H, MAT_SYMMETRY_ETERNAL, PETSC_TRUE));
    }
  }
  *H = dini->hessian.H;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses the Hessian of the reduced objective.
  @level{intermediate}

  Logically Collective. The full one is the derivative of the gradient. The Gauss-Newton one leaves out the second derivatives
  of F, needs none of them, and is positive semidefinite for a convex objective, wherever the optimisation is. The blend adds
  the fraction of DiniSetHessianBlend() of them.

  @param[in] dini the Dini
  @param[in] type DINI_HESSIAN_FULL (default), DINI_HESSIAN_GAUSS_NEWTON or DINI_HESSIAN_BLEND
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a type that is none

  Option: `-dini_hessian_type <full|gauss_newton|blend>`.
*/
PetscErrorCode DiniSetHessianType(Dini dini, DiniHessianType type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck((int)type >= DINI_HESSIAN_FULL && (int)type <= DINI_HESSIAN_BLEND, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_OUTOFRANGE, "There is no Hessian type number %d", (int)type);
  dini->hessian.type = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells which Hessian of the reduced objective products apply.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] type the type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetHessianType(Dini dini, DiniHessianType *type)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *type = dini->hessian.type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the fraction of the second derivatives of F in the blended Hessian.
  @level{advanced}

  Logically Collective.

  @param[in] dini  the Dini
  @param[in] blend between 0, Gauss-Newton, and 1, full; initially 0.5
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE outside

  Option: `-dini_hessian_blend`.
*/
PetscErrorCode DiniSetHessianBlend(Dini dini, PetscReal blend)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(blend >= 0.0 && blend <= 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The blend of the Hessian is %g; it must lie between 0 and 1", (double)blend);
  dini->hessian.blend = blend;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the step of the central differences that stand in for second derivatives.
  @level{advanced}

  Logically Collective. The step is along (du, v), relative to the size of state and parameters. The default is the cube root
  of the machine epsilon, 6e-6 in double precision, and larger where F_m is itself made of differences.

  @param[in] dini the Dini
  @param[in] step relative step, 0 for the default
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE unless 0 <= step < 1

  Option: `-dini_hessian_step`, for a J made of differences 1e-3, say.
*/
PetscErrorCode DiniSetHessianStep(Dini dini, PetscReal step)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(step >= 0.0 && step < 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The relative step of second derivatives is %g; it must lie between 0 and 1", (double)step);
  dini->hessian.step = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}
