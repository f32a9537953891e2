/* The derivative du/dm as a Mat, so that composition, products, SVD and Gauss-Newton need no interface of their own. */
#include "../private/diniimpl.h"

static PetscErrorCode DiniDerivativeGetDini(Mat D, Dini *dini)
{
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(D, dini));
  PetscCheck(*dini, PetscObjectComm((PetscObject)D), PETSC_ERR_ARG_WRONGSTATE,
             "The Dini of this derivative has been destroyed, reset, or given other parameters; call "
             "DiniGetDerivative() again");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDerivativeMult(Mat D, Vec dm, Vec du)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCall(DiniDerivativeGetDini(D, &dini));
  PetscCall(DiniJVP(dini, dm, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The plain transpose, always: MatMultHermitianTranspose() conjugates around it. */
static PetscErrorCode DiniDerivativeMultTranspose(Mat D, Vec ubar, Vec mbar)
{
  Dini dini;

  PetscFunctionBegin;
  PetscCall(DiniDerivativeGetDini(D, &dini));
  PetscCall(DiniVJP_Private(dini, DINI_ADJOINT_TRANSPOSE, ubar, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C = D B and C = D^T B; the dense C is made by PETSc, which also applies a MatScale() of D afterwards */
static PetscErrorCode DiniDerivativeProduct(Mat D, Mat B, Mat C, void *ctx)
{
  Dini dini;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(DiniDerivativeGetDini(D, &dini));
  PetscCall(DiniMatJVP(dini, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDerivativeTransposeProduct(Mat D, Mat B, Mat C, void *ctx)
{
  Dini dini;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(DiniDerivativeGetDini(D, &dini));
  PetscCall(DiniMatVJP_Private(dini, DINI_ADJOINT_TRANSPOSE, B, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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
    PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, n, dini->N, N, dini, &dini->D));
    PetscCall(MatShellSetOperation(dini->D, MATOP_MULT, (void (*)(void))DiniDerivativeMult));
    PetscCall(MatShellSetOperation(dini->D, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniDerivativeMultTranspose));
    PetscCall(
        MatShellSetMatProductOperation(dini->D, MATPRODUCT_AB, NULL, DiniDerivativeProduct, NULL, MATDENSE, MATDENSE));
    PetscCall(MatShellSetMatProductOperation(dini->D, MATPRODUCT_AtB, NULL, DiniDerivativeTransposeProduct, NULL,
                                             MATDENSE, MATDENSE));
  }
  *D = dini->D;
  PetscFunctionReturn(PETSC_SUCCESS);
}
