/* The derivative du/dm as a Mat, so that composition, products, SVD and Gauss-Newton need no interface of their own. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniDerivativeMult(void *dini, Vec dm, Vec du)
{
  return DiniJVP((Dini)dini, dm, du);
}

static PetscErrorCode DiniDerivativeMultTranspose(void *dini, Vec ubar, Vec mbar)
{
  PetscBool good; /* else there is an error, or NaN */

  return DiniVJP_Private((Dini)dini, DINI_ADJOINT_TRANSPOSE, ubar, mbar, &good);
}

static PetscErrorCode DiniDerivativeMatMult(void *dini, Mat dM, Mat dU)
{
  return DiniMatJVP((Dini)dini, dM, dU);
}

static PetscErrorCode DiniDerivativeTransposeMatMult(void *dini, Mat Ubar, Mat Mbar)
{
  PetscBool good;

  return DiniMatVJP_Private((Dini)dini, DINI_ADJOINT_TRANSPOSE, Ubar, Mbar, &good);
}

const DiniProductOps DiniDerivativeProducts_Private = {.what             = "derivative",
                                                       .again            = "DiniGetDerivative()",
                                                       .mult             = DiniDerivativeMult,
                                                       .multtranspose    = DiniDerivativeMultTranspose,
                                                       .matmult          = DiniDerivativeMatMult,
                                                       .transposematmult = DiniDerivativeTransposeMatMult};

/**
  @brief Gives the derivative du/dm as a Mat.
  @level{beginner}

  Collective. MatMult() is DiniJVP(), MatMultHermitianTranspose() is DiniVJP() in its Hermitian convention,
  MatMultTranspose() the plain transpose; MatMatMult() and MatTransposeMatMult() take dense matrices. It always stands for
  the derivative at the last solution; DiniCreateDerivative() makes one that stays.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[out] D    rows laid out as the state, columns as a flat parameter vector; belongs to the Dini, reference it to keep it
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before a solve

  @see DiniJVP(), DiniVJP(), DiniMatJVP(), DiniMatVJP()
*/
PetscErrorCode DiniGetDerivative(Dini dini, Mat *D)
{
  PetscInt n, N;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  if (!dini->D) {
    PetscCheck(
        dini->n != PETSC_DECIDE, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
        "%s: The size of the state is not known yet; call DiniSolve() or DiniAttach() before DiniGetDerivative()",
        DiniLabel_Private(dini));
    PetscCall(DiniParameterLayout_Private(dini, &n, &N));
    PetscCheck(N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
               "%s has no active parameter to differentiate with respect to; call DiniAddParameter()",
               DiniLabel_Private(dini));
    PetscCall(DiniProductsCreate_Private((PetscObject)dini, (PetscInt[2]){dini->n, dini->N}, (PetscInt[2]){n, N},
                                         &DiniDerivativeProducts_Private, dini, &dini->D));
  }
  *D = dini->D;
  PetscFunctionReturn(PETSC_SUCCESS);
}
