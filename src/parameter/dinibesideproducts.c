/* First-order products where the object is, at the point or beside it: what second derivatives are differences of. */
#include "../private/diniimpl.h"

/* yu = J^H lambda and ym = F_m^H lambda where the object is */
PetscErrorCode DiniBesideAdjoint_Private(Dini dini, Vec lambda, Vec yu, Vec ym)
{
  Mat       J;
  PetscBool transposes;

  PetscFunctionBegin;
  PetscCall(DiniBesideJacobian_Private(dini, "J^H lambda", "them to DiniSetResidualHessian(), or ", &J));
  PetscCall(DiniHasAdjoint_Private(J, &transposes));
  PetscCheck(transposes, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "The Jacobian has no transposed product, so J^H lambda can not be differenced; give the second "
             "derivatives of F to DiniSetResidualHessian()");
  PetscCall(MatMultHermitianTranspose(J, lambda, yu));
  PetscCall(DiniParameterApplyAdjointF_Private(dini, lambda, ym));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J du + F_m dm where the object is. J is multiplied with first: differences for F_m call the residual, which may fill
   J's matrix anew where the application keeps one for both. */
PetscErrorCode DiniBesideTangent_Private(Dini dini, Vec du, Vec dm, Vec y)
{
  Mat       J;
  Vec       Jdu;
  PetscBool zero;

  PetscFunctionBegin;
  PetscCall(DiniBesideJacobian_Private(dini, "J du", "", &J));
  PetscCall(VecDuplicate(y, &Jdu));
  PetscCall(MatMult(J, du, Jdu));
  PetscCall(DiniParameterApply_Private(dini, dm, y, &zero));
  PetscCall(VecAXPY(y, 1.0, Jdu));
  PetscCall(VecDestroy(&Jdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}
