static char help[] =
    "The derivative, the Hessian and a pinned derivative as Mats: duplicates, views, and whose Dini has gone.\n";

#include "support/fixtures.h"
#include <stdarg.h>

/* What PETSc prints, caught */
static char printed[8192];

static PetscErrorCode Catch(FILE *file, const char format[], va_list arguments)
{
  const size_t used = strlen(printed);

  PetscFunctionBeginUser;
  (void)file;
  (void)vsnprintf(printed + used, sizeof(printed) - used, format, arguments);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A duplicate has the products of the Mat, and the Mat says what it is */
static PetscErrorCode CheckMat(Mat A, const char what[], Mat *copy)
{
  PetscErrorCode (*before)(FILE *, const char[], va_list) = PetscVFPrintf;
  PetscErrorCode failed;
  PetscMPIInt    rank;
  Vec            x, y, z;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, copy));
  PetscCall(MatCreateVecs(A, &x, &y));
  PetscCall(VecDuplicate(y, &z));
  PetscCall(DiniTestFill(x, 12));
  PetscCall(MatMult(A, x, y));
  PetscCall(MatMult(*copy, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-9, what));
  printed[0]    = 0;
  PetscVFPrintf = Catch;
  failed        = MatView(A, PETSC_VIEWER_STDOUT_WORLD);
  PetscVFPrintf = before;
  PetscCall(failed);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) DiniTestTrue(strstr(printed, what), "\"%s\" is not said: \"%s\"", what, printed);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whoever holds a Mat, or a duplicate of it, finds out that its Dini has another layout or has gone */
static PetscErrorCode CheckGone(Mat A, const char words[])
{
  Vec x, y;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(A, &x, &y));
  PetscCall(DiniTestFill(x, 13));
  DiniTestExpect(MatMult(A, x, y), PETSC_ERR_ARG_WRONGSTATE, words);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMats(PetscBool destroy)
{
  static const char *const again[] = {"DiniGetDerivative() again", "DiniGetHessian() again", "DiniPinDerivative()"};
  static const char *const what[]  = {"products with the derivative", "products with the Hessian",
                                      "products with the pinned derivative"};
  Cubic                    c;
  Mat                      A[3], copy[3];

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, Value, Gradient, NULL));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetDerivative(c.dini, &A[0]));
  PetscCall(DiniGetHessian(c.dini, &A[1]));
  PetscCall(DiniCreateDerivative(c.dini, DINI_ALL_PARAMETERS, &A[2]));
  for (int k = 0; k < 2; k++) PetscCall(PetscObjectReference((PetscObject)A[k]));
  for (int k = 0; k < 3; k++) PetscCall(CheckMat(A[k], what[k], &copy[k]));
  if (destroy) { /* a pinned derivative keeps its Dini */
    PetscCall(MatDestroy(&A[2]));
    PetscCall(MatDestroy(&copy[2]));
    PetscCall(DiniDestroy(&c.dini));
  } else PetscCall(DiniReset(c.dini));
  for (int k = 0; k < (destroy ? 2 : 3); k++) {
    PetscCall(CheckGone(A[k], again[k]));
    PetscCall(CheckGone(copy[k], again[k]));
  }
  for (int k = 0; k < 3; k++) {
    PetscCall(MatDestroy(&copy[k]));
    PetscCall(MatDestroy(&A[k]));
  }
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestMats(PETSC_FALSE));
  PetscCall(TestMats(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
