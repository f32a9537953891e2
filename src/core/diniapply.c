/* The derivative actions that an application calls: checks here, formulas in src/rules. Those of blocks: dinimatapply.c */
#include "../private/diniimpl.h"

/* The first derivative of an object runs the checks that -dini_check asked for. */
PetscErrorCode DiniCheckRequested_Private(Dini dini)
{
  PetscFunctionBegin;
  if (!dini->checkrequested || dini->stage == DINI_STAGE_NEW) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->call || dini->visitor) PetscFunctionReturn(PETSC_SUCCESS); /* it would move a call's point: later */
  dini->checkrequested = PETSC_FALSE;
  DiniEachFeature(firstderivative, dini);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniCheckFlat_Private(Dini dini, Vec m, const char what[])
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscCall(DiniParameterLayout_Private(dini, &n, &N));
  PetscCheck(N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s has no active parameter to differentiate with respect to; call DiniAddParameter()",
             DiniLabel_Private(dini));
  PetscCall(DiniCheckLayout_Private(dini, m, n, N, what, "all active parameters"));
  PetscCall(DiniRefuseNest_Private(dini, m, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the adjoint of this type not the Hermitian one? */
PetscBool DiniConjugates_Private(DiniAdjointType type)
{
  return (PetscBool)(PetscDefined(USE_COMPLEX) && type == DINI_ADJOINT_TRANSPOSE);
}

/* The plain transpose A^T x is conj(A^H conj(x)); *y is x itself in the Hermitian convention. */
static PetscErrorCode DiniConjugateInput(Dini dini, DiniAdjointType type, Vec x, Vec *y)
{
  PetscFunctionBegin;
  *y = x;
  if (DiniConjugates_Private(type)) {
    if (!dini->c) PetscCall(VecDuplicate(dini->u, &dini->c));
    PetscCall(VecCopy(x, dini->c));
    PetscCall(VecConjugate(dini->c));
    *y = dini->c;
    if (dini->call->ahead.normed == x) dini->call->ahead.normed = dini->c;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniApplyAdjoint(Dini dini, DiniAdjointType type, Vec ubar, Vec mbar, PetscBool *good)
{
  const PetscBool determines = dini->determines;
  Vec             g;

  PetscFunctionBegin;
  PetscCall(DiniAhead_Private(dini, DINI_ADJOINT, ubar, mbar));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniAheadNow_Private(dini));
  PetscCall(DiniCheckState_Private(dini, ubar, "The cotangent ubar"));
  PetscCall(DiniCheckFlat_Private(dini, mbar, "The result mbar"));
  PetscCheck(ubar != mbar, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "%s: The cotangent ubar and the result mbar are the same Vec; give them one each",
             DiniLabel_Private(dini));
  PetscCall(DiniConjugateInput(dini, type, ubar, &g));
  PetscCall(DiniDetermines_Private(dini));
  if (determines != dini->determines) dini->call->ahead.stays = PETSC_FALSE;
  if (dini->gradientrtol > 0.0 && !dini->ops->vjp) PetscCall(DiniAccurateVJP_Private(dini, g, mbar, good));
  else {
    PetscCall(DiniRuleVJP_Private(dini, g, mbar, good));
    if (*good) PetscCall(DiniEstimateGradient_Private(dini, g, mbar));
  }
  if (DiniConjugates_Private(type)) PetscCall(VecConjugate(mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where errors are off, *good tells whether mbar is a gradient; so in all of them */
PetscErrorCode DiniVJP_Private(Dini dini, DiniAdjointType type, Vec ubar, Vec mbar, PetscBool *good)
{
  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniVJP()", DINI_DOOR_DERIVATIVES, DiniApplyAdjoint(dini, type, ubar, mbar, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniApply(Dini dini, Vec dm, Vec du, PetscBool *good)
{
  PetscFunctionBegin;
  PetscCall(DiniAhead_Private(dini, DINI_TANGENT, dm, du));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniAheadNow_Private(dini));
  dini->call->ahead.stays = PETSC_FALSE; /* filling F_m may write into J */
  PetscCall(DiniCheckFlat_Private(dini, dm, "The direction dm"));
  PetscCall(DiniCheckState_Private(dini, du, "The result du"));
  PetscCheck(dm != du, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN,
             "%s: The direction dm and the result du are the same Vec; give them one each", DiniLabel_Private(dini));
  PetscCall(DiniRuleJVP_Private(dini, dm, du, good));
  if (*good) dini->stats.tangent_error = dini->ops->jvp ? DiniSolveError_Private(dini) : 0.0;
  if (*good && dini->lastnorm > 0.0) PetscCall(DiniEstimateTangent_Private(dini, dm, dini->r, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniJVP_Private(Dini dini, Vec dm, Vec du, PetscBool *good)
{
  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniJVP()", DINI_DOOR_DERIVATIVES, DiniApply(dini, dm, du, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J x = b, or J^H x = b or J^T x = b by type, at the point; x is NaN where it is not good */
static PetscErrorCode DiniApplySolve(Dini dini, DiniDirection direction, DiniAdjointType type, Vec b, Vec x,
                                     PetscBool *good)
{
  const PetscBool tangent = (PetscBool)(direction == DINI_TANGENT);
  Vec             rhs     = b;

  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniCheckState_Private(dini, b, tangent ? "The right-hand side r" : "The right-hand side g"));
  PetscCall(DiniCheckState_Private(dini, x, tangent ? "The solution x" : "The solution lambda"));
  if (!tangent) PetscCall(DiniConjugateInput(dini, type, b, &rhs));
  PetscCall(DiniFilterPart_Private(dini, rhs, &rhs));
  PetscCall(DiniLinearSolve_Private(dini, direction, rhs, x, good));
  if (!tangent && DiniConjugates_Private(type)) PetscCall(VecConjugate(x));
  if (*good) *(tangent ? &dini->stats.tangent_error : &dini->stats.gradient_error) = DiniSolveError_Private(dini);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTangentSolve_Private(Dini dini, Vec r, Vec x, PetscBool *good)
{
  PetscFunctionBegin;
  *good = PETSC_FALSE;
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniTangentSolve()", DINI_DOOR_DERIVATIVES,
            DiniApplySolve(dini, DINI_TANGENT, dini->adjointtype, r, x, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the derivative of the solution: du = (du/dm) dm, from J du = -F_m dm.
  @level{beginner}

  Collective. Costs one tangent solve; nothing when dm is zero.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  dm   direction, a flat parameter vector (DiniCreateParameterVec())
  @param[out] du   derivative of u along dm, with the layout of the state; units of u per unit of dm
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before a solve, PETSC_ERR_ARG_WRONGSTATE when u or m has changed since,
          PETSC_ERR_ARG_SIZ for a wrong layout, PETSC_ERR_NOT_CONVERGED when the true residual misses its tolerance

  Options: `-dini_tangent_rtol`, `-dini_tangent_ksp_...`.

  @see DiniVJP(), DiniMatJVP(), DiniGetDerivative()
*/
PetscErrorCode DiniJVP(Dini dini, Vec dm, Vec du)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniJVP_Private(dini, dm, du, &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the adjoint of the derivative of the solution: mbar = (du/dm)^H ubar.
  @level{beginner}

  Collective. From J^H lambda = ubar, mbar = -F_m^H lambda: one adjoint solve, whatever the number of parameters. In complex
  builds see DiniSetAdjointType().

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  ubar cotangent of the state, such as dJ/du of an objective J; not changed
  @param[out] mbar cotangent of the parameters, a flat parameter vector (DiniCreateParameterVec())
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before a solve, PETSC_ERR_ARG_WRONGSTATE when u or m has changed since,
          PETSC_ERR_ARG_SIZ for a wrong layout, PETSC_ERR_NOT_CONVERGED when the true residual misses its tolerance

  Options: `-dini_adjoint_rtol`, `-dini_adjoint_ksp_...`, `-dini_transpose`.

  @see DiniJVP(), DiniMatVJP(), DiniGetDerivative()
*/
PetscErrorCode DiniVJP(Dini dini, Vec ubar, Vec mbar)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniVJP_Private(dini, dini->adjointtype, ubar, mbar, &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Solves J x = r at the solution, verified in the true residual.
  @level{intermediate}

  Collective. For a variational inequality J_II x_I = r_I on the inactive set, and x is zero on the active one.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  r    right-hand side, with the layout of the state; not changed
  @param[out] x    solution, with the layout of the state
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED when the true residual misses its tolerance
*/
PetscErrorCode DiniTangentSolve(Dini dini, Vec r, Vec x)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniTangentSolve_Private(dini, r, x, &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Solves J^H lambda = g at the solution, verified in the true residual.
  @level{intermediate}

  Collective. In complex builds DiniSetAdjointType() makes it J^T lambda = g. For a variational inequality see
  DiniTangentSolve().

  @param[in]  dini   the Dini, after DiniSolve() or DiniAttach()
  @param[in]  g      right-hand side, with the layout of the state; not changed
  @param[out] lambda solution, with the layout of the state
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED when the true residual misses its tolerance
*/
PetscErrorCode DiniAdjointSolve(Dini dini, Vec g, Vec lambda)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniAdjointSolve()", DINI_DOOR_DERIVATIVES,
            DiniApplySolve(dini, DINI_ADJOINT, dini->adjointtype, g, lambda, &good));
  PetscFunctionReturn(PETSC_SUCCESS);
}
