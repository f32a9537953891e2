/* Tangents of second order; the formula is in src/rules. */
#include "../private/diniparameterimpl.h"

static PetscErrorCode DiniSecondJVP_Call(Dini dini, Vec dm1, Vec dm2, Vec ddu)
{
  PetscReal      error;
  PetscBool      good;
  Vec            r;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniLinearize_Private(dini));
  PetscCheck(!dini->ops->jvp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s, of type \"%s\", has first derivatives only; difference its tangents", DiniLabel_Private(dini),
             ((PetscObject)dini)->type_name);
  PetscCall(DiniCheckFlat_Private(dini, dm1, "The direction dm1"));
  PetscCall(DiniCheckFlat_Private(dini, dm2, "The direction dm2"));
  PetscCall(DiniCheckState_Private(dini, ddu, "The result ddu"));
  PetscCall(VecDuplicate(dini->u, &r));
  failed = DiniRuleSecondJVP_Private(dini, dm1, dm2, r, ddu, &error, &good);
  if (!failed && good) failed = DiniEstimateSecond_Private(dini, DINI_TANGENT, error, r, ddu);
  PetscCall(VecDestroy(&r));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Applies the second derivative of the solution to two directions: ddu = (d^2 u / dm^2)[dm1, dm2].
  @level{intermediate}

  Collective. Forward over forward, with no adjoint: J a = -F_m dm1, J b = -F_m dm2, and J ddu = -(F_uu[a, b] + F_um[a, dm2] +
  F_mu[dm1, b] + F_mm[dm1, dm2]). Three tangent solves, two where the directions are the same Vec, and no set-up. The second
  derivatives of F are central differences of J a + F_m dm1 along (b, dm2), which costs two assemblies of J and of F_m. With
  it u(m + h dm) = u + h (du/dm) dm + h^2/2 (d^2 u / dm^2)[dm, dm] + O(h^3). Symmetric in its directions.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  dm1  direction, a flat parameter vector (DiniCreateParameterVec())
  @param[in]  dm2  direction, may be the same Vec
  @param[out] ddu  second derivative of u along both, with the layout of the state; units of u per units of dm1 and dm2
  @return 0 or a PETSc error code; those of DiniJVP(), PETSC_ERR_SUP for eigenproblems, which have first derivatives only,
          PETSC_ERR_NOT_CONVERGED where differences at two steps do not agree

  Option: `-dini_hessian_step`, of the differences.

  @see DiniJVP(), DiniHVP()
*/
PetscErrorCode DiniSecondJVP(Dini dini, Vec dm1, Vec dm2, Vec ddu)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckRequested_Private(dini));
  DiniServe(dini, "DiniSecondJVP()", DINI_DOOR_DERIVATIVES, DiniSecondJVP_Call(dini, dm1, dm2, ddu));
  PetscFunctionReturn(PETSC_SUCCESS);
}
