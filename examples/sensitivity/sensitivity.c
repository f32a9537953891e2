static char help[] =
    "Which parts of a conductivity field do six wells see? Singular values of (d heads / d log k), whitened. Option "
    "prefix -sensitivity_.\n"
    "  A = B (du/dm) S: B the heads at the wells over their error, S the prior of the log-conductivity m, in\n"
    "  -div(e^m grad u) = 0. Values above 1 belong to what the wells tell more about than the prior does.\n"
    "  Try:  mpiexec -n 2 ./sensitivity -sensitivity_output sensitivity.txt -dini_svd_view_values -dini_view\n\n";

#include "flow.h"

/* A v is the derivative of the measured heads along S v: so s u, against central differences of two solves */
static PetscErrorCode Check(Flow *flow, Dini dini, SVD svd, PetscInt n)
{
  const PetscReal h = 1e-3;
  Mat             A;
  Vec             u, v, m0, dm, heads[2];
  PetscReal       sigma, largest, off, worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(SVDGetOperators(svd, &A, NULL));
  PetscCall(MatCreateVecs(A, &v, &u));
  PetscCall(VecDuplicate(u, &heads[0]));
  PetscCall(VecDuplicate(u, &heads[1]));
  PetscCall(VecDuplicate(flow->m, &m0));
  PetscCall(VecDuplicate(flow->m, &dm));
  PetscCall(VecCopy(flow->m, m0));
  PetscCall(SVDGetSingularTriplet(svd, 0, &largest, NULL, NULL));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(SVDGetSingularTriplet(svd, k, &sigma, u, v));
    PetscCall(MatMult(flow->S, v, dm));
    for (int side = 0; side < 2; side++) {
      PetscCall(VecWAXPY(flow->m, side ? -h : h, dm, m0));
      PetscCall(DiniSolve(dini, flow->u));
      PetscCall(MatMult(flow->B, flow->u, heads[side]));
    }
    PetscCall(VecAXPY(heads[0], -1.0, heads[1]));
    PetscCall(VecScale(heads[0], 0.5 / h));
    PetscCall(VecAXPY(heads[0], -sigma, u));
    PetscCall(VecNorm(heads[0], NORM_2, &off));
    worst = PetscMax(worst, off / largest);
  }
  PetscCall(VecCopy(m0, flow->m));
  PetscCall(DiniSolve(dini, flow->u));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&m0));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&heads[0]));
  PetscCall(VecDestroy(&heads[1]));
  PetscCheck(worst < 1e-5, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "s u and differences differ by a relative %g",
             (double)worst);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "triplets agree with differences: passed\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fields S v_k, each with the phase that makes it real and its largest entry positive */
static PetscErrorCode Write(Flow *flow, SVD svd, PetscInt n, const char file[])
{
  Mat       A;
  Vec       v, field[WELLS];
  PetscReal sigma[WELLS];

  PetscFunctionBeginUser;
  PetscCall(SVDGetOperators(svd, &A, NULL));
  PetscCall(MatCreateVecs(A, &v, NULL));
  for (PetscInt k = 0; k < n; k++) {
    PetscScalar sum;
    PetscReal   lowest, highest;

    PetscCall(SVDGetSingularTriplet(svd, k, &sigma[k], NULL, v));
    PetscCall(VecDuplicate(flow->m, &field[k]));
    PetscCall(MatMult(flow->S, v, field[k]));
    PetscCall(VecTDot(field[k], field[k], &sum)); /* real but for a phase */
    PetscCall(VecScale(field[k], PetscSqrtScalar(PetscAbsScalar(sum) / sum)));
    PetscCall(VecRealPart(field[k]));
    PetscCall(VecMin(field[k], NULL, &lowest));
    PetscCall(VecMax(field[k], NULL, &highest));
    if (-lowest > highest) PetscCall(VecScale(field[k], -1.0));
  }
  PetscCall(FlowWrite(flow, file, n, field, sigma));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "written: %s\n", file));
  for (PetscInt k = 0; k < n; k++) PetscCall(VecDestroy(&field[k]));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Flow      flow;
  Dini      dini;
  SVD       svd;
  PetscInt  n, N, above = 0;
  char      file[PETSC_MAX_PATH_LEN];
  PetscBool write;

  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-sensitivity_output", file, sizeof(file), &write));
  PetscCall(FlowCreate(PETSC_COMM_WORLD, &flow));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, flow.snes));
  PetscCall(DiniAddParameter(dini, "log_k", flow.m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERCOLORING)); /* the DMDA knows which nodes meet */
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, flow.u));

  PetscCall(DiniCreateSVD(dini, flow.B, flow.S, &svd));
  PetscCall(SVDSetDimensions(svd, WELLS, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SVDSetFromOptions(svd));
  PetscCall(DiniSVDSolve(svd, &n));

  PetscCall(MatGetSize(flow.S, NULL, &N));
  PetscCheck(n <= WELLS, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "More singular values than wells");
  for (PetscInt k = 0; k < n; k++) {
    PetscReal sigma;

    PetscCall(SVDGetSingularTriplet(svd, k, &sigma, NULL, NULL));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "singular value %" PetscInt_FMT ": %8.4f\n", k + 1, (double)sigma));
    if (sigma > 1.0) above++;
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "%d wells tell more than the prior about %" PetscInt_FMT " of %" PetscInt_FMT
                        " combinations of log-conductivities\n",
                        WELLS, above, N));
  PetscCall(Check(&flow, dini, svd, n));
  if (write) PetscCall(Write(&flow, svd, n, file));

  PetscCall(SVDDestroy(&svd));
  PetscCall(DiniDestroy(&dini));
  PetscCall(FlowDestroy(&flow));
  PetscCall(SlepcFinalize());
  return 0;
}
