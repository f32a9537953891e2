static char help[] =
    "One solve feeds another: flow, then transport in it, and the derivative of both as one matrix. Option prefix "
    "-coup_.\n"
    "  flow:      -(e^m p')' = 1                    on the unit interval, p = 0 at its ends\n"
    "  transport: -c''/10 - e^m p' c' + c = 1       likewise\n"
    "  Parameter: the log-conductivity m, a field, which both read. Result: the mean of c, and its gradient in m.\n"
    "  Try:  mpiexec -n 2 ./coupled -da_grid_x 100\n\n";

#include "models.h"

static PetscErrorCode Check(Models *, Mat, Vec, Vec);

/* The mean of c(p(m), m) */
static PetscErrorCode Forward(Models *models, Vec weights, PetscScalar *mean)
{
  PetscFunctionBeginUser;
  PetscCall(DiniSolve(models->flow, models->p));
  PetscCall(DiniSolve(models->transport, models->c)); /* its block "p" is that very Vec */
  PetscCall(VecDot(models->c, weights, mean));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Models      models;
  Mat         dpdm, dcdp, dcdm, chain[2], sum[2], D;
  Vec         weights, gradient;
  PetscInt    n, p, m;
  PetscScalar mean;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(ModelsCreate(PETSC_COMM_WORLD, &models));
  PetscCall(VecDuplicate(models.c, &weights));
  PetscCall(VecDuplicate(models.m, &gradient));
  PetscCall(VecGetSize(weights, &n));
  PetscCall(VecSet(weights, 1.0 / (PetscReal)n));
  PetscCall(Forward(&models, weights, &mean));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "mean of c = %.10f\n", (double)PetscRealPart(mean)));

  /* D = dc/dp dp/dm + dc/dm: the derivatives of the two solves, one block each, put together by PETSc */
  PetscCall(DiniFindParameter(models.transport, "p", &p));
  PetscCall(DiniFindParameter(models.transport, "m", &m));
  PetscCall(DiniCreateDerivative(models.flow, DINI_ALL_PARAMETERS, &dpdm));
  PetscCall(DiniCreateDerivative(models.transport, p, &dcdp));
  PetscCall(DiniCreateDerivative(models.transport, m, &dcdm));
  chain[0] = dpdm; /* applied first */
  chain[1] = dcdp;
  PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, chain, &sum[0]));
  PetscCall(MatCompositeSetType(sum[0], MAT_COMPOSITE_MULTIPLICATIVE));
  sum[1] = dcdm;
  PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, sum, &D));

  /* the gradient through both: two adjoint solves with the transport, one with the flow */
  PetscCall(MatMultHermitianTranspose(D, weights, gradient));
  PetscCall(Check(&models, D, weights, gradient));

  PetscCall(MatDestroy(&D));
  PetscCall(MatDestroy(&sum[0]));
  PetscCall(MatDestroy(&dpdm));
  PetscCall(MatDestroy(&dcdp));
  PetscCall(MatDestroy(&dcdm));
  PetscCall(VecDestroy(&weights));
  PetscCall(VecDestroy(&gradient));
  PetscCall(ModelsDestroy(&models));
  PetscCall(PetscFinalize());
  return 0;
}

/* Tangent and adjoint through the chain, and every entry of the gradient against differences of both solves. */
static PetscErrorCode Check(Models *models, Mat D, Vec weights, Vec gradient)
{
  const PetscReal h = 1e-4;
  Vec             dm, dc, differences;
  PetscScalar     left, right, mean[2];
  PetscReal       error, size;
  PetscInt        n, first, last;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(D, &dm, &dc));
  PetscCall(VecSetRandom(dm, NULL));
  PetscCall(MatMult(D, dm, dc));
  PetscCall(VecDot(dc, weights, &left));
  PetscCall(VecDot(dm, gradient, &right));
  PetscCheck(PetscAbsScalar(left - right) <= 1e-8 * PetscAbsScalar(left), PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "Tangent and adjoint of the chain differ");
  PetscCall(VecDuplicate(gradient, &differences));
  PetscCall(VecGetSize(gradient, &n));
  PetscCall(VecGetOwnershipRange(models->m, &first, &last));
  for (PetscInt k = 0; k < n; k++) {
    const PetscBool mine = (PetscBool)(k >= first && k < last);

    for (PetscInt side = 0; side < 2; side++) {
      if (mine) PetscCall(VecSetValue(models->m, k, side == 0 ? h : -2.0 * h, ADD_VALUES));
      PetscCall(VecAssemblyBegin(models->m));
      PetscCall(VecAssemblyEnd(models->m));
      PetscCall(Forward(models, weights, &mean[side]));
    }
    if (mine) PetscCall(VecSetValue(models->m, k, h, ADD_VALUES));
    PetscCall(VecAssemblyBegin(models->m));
    PetscCall(VecAssemblyEnd(models->m));
    if (mine) PetscCall(VecSetValue(differences, k, (mean[0] - mean[1]) / (2.0 * h), INSERT_VALUES));
    PetscCall(VecAssemblyBegin(differences));
    PetscCall(VecAssemblyEnd(differences));
  }
  PetscCall(VecNorm(gradient, NORM_INFINITY, &size));
  PetscCall(VecAXPY(differences, -1.0, gradient));
  PetscCall(VecNorm(differences, NORM_INFINITY, &error));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "gradient and differences of both solves agree to %.1e relative\n",
                        (double)(error / size)));
  PetscCheck(error <= 1e-5 * size, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The gradient is off by %g relative",
             (double)(error / size));
  /* both Dinis have been moved about: D has not */
  PetscCall(MatMultHermitianTranspose(D, weights, differences));
  PetscCall(VecAXPY(differences, -1.0, gradient));
  PetscCall(VecNorm(differences, NORM_INFINITY, &error));
  PetscCheck(error <= 1e-8 * size, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The derivative has moved by %g relative",
             (double)(error / size));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&dc));
  PetscCall(VecDestroy(&differences));
  PetscFunctionReturn(0);
}
