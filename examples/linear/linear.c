static char help[] =
    "A linear solve with parameters, and its derivative as a matrix. Option prefix -lin_.\n"
    "  A pollutant drifts with the wind c, spreads, and decays at the rate m(x, y):\n"
    "    -Laplace(u) + c u_x + m u = b  on the unit square, u = 0 on its boundary.\n"
    "  Parameters: the decay rate m and the source b, two fields. Result: the mean of u in a receptor downwind.\n"
    "  Its gradient says where more decay, or less source, helps the receptor most.\n"
    "  Try:  mpiexec -n 2 ./linear -da_refine 3 -lin_wind 40 -ksp_converged_reason -dini_view\n\n";

#include "plume.h"

static PetscErrorCode Check(Plume *, Dini, Vec, Vec, Vec, Vec, Mat);

int main(int argc, char **argv)
{
  Plume       plume;
  Dini        dini;
  KSP         ksp;
  Mat         A, Fm, D, Abar;
  Vec         u, dm, du, gradient;
  PetscInt    decay, n;
  PetscScalar mean;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));

  /* the linear system: ordinary PETSc */
  PetscCall(PlumeCreate(PETSC_COMM_WORLD, &plume));
  PetscCall(VecDuplicate(plume.b, &u));
  PetscCall(DMCreateMatrix(plume.da, &A));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetTolerances(ksp, 1.0e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(ksp));

  /* F = A(m) u - b: F_m is diagonal, filled by PlumeFillDecay(); F_b is known, since plume.b is b */
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &Fm));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, plume.b, PlumeAssemble, &plume));
  PetscCall(DiniAddParameter(dini, "decay", plume.m, &decay));
  PetscCall(DiniSetParameterJacobian(dini, decay, Fm, PlumeFillDecay, NULL));
  PetscCall(DiniAddParameter(dini, "source", plume.b, NULL));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDot(u, plume.receptor, &mean));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "mean in the receptor = %.10f\n", (double)PetscRealPart(mean)));

  /* D = du/d(m, b) is a matrix: its product with a direction is a tangent, its adjoint product with weights a gradient */
  PetscCall(DiniGetDerivative(dini, &D));
  PetscCall(MatCreateVecs(D, &dm, &du));
  PetscCall(VecDuplicate(dm, &gradient));
  PetscCall(VecSetRandom(dm, NULL));
  PetscCall(MatMult(D, dm, du));
  PetscCall(MatMultHermitianTranspose(D, plume.receptor, gradient));

  /* the matrix itself as a parameter: the gradient in each of its entries, on its own pattern */
  PetscCall(MatDuplicate(A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(DiniMatrixVJP(dini, plume.receptor, Abar));

  PetscCall(Check(&plume, dini, u, dm, du, gradient, Abar));

  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&gradient));
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&Fm));
  PetscCall(MatDestroy(&Abar));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&u));
  PetscCall(PlumeDestroy(&plume));
  PetscCall(PetscFinalize());
  return 0;
}

static PetscErrorCode Close(const char what[], PetscScalar value, PetscScalar reference, PetscReal rtol)
{
  const PetscReal error = PetscAbsScalar(value - reference) / PetscAbsScalar(reference);

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s agree to %.1e relative\n", what, (double)error));
  PetscCheck(error <= rtol, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%s differ by %g relative, more than %g", what,
             (double)error, (double)rtol);
  PetscFunctionReturn(0);
}

/* v[k] += value, k a global index */
static PetscErrorCode AddTo(Vec v, PetscInt k, PetscScalar value)
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &first, &last));
  if (k >= first && k < last) PetscCall(VecSetValue(v, k, value, ADD_VALUES));
  PetscCall(VecAssemblyBegin(v));
  PetscCall(VecAssemblyEnd(v));
  PetscFunctionReturn(0);
}

/* The gradient in m, every entry, against central differences of solves without Dini */
static PetscErrorCode CheckDecay(Plume *plume, KSP ksp, Vec gradient)
{
  const PetscReal h = 0.05;
  Mat             A;
  Vec             u, differences;
  PetscInt        N;
  PetscReal       error, size;
  PetscScalar     mean[2];

  PetscFunctionBeginUser;
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(VecDuplicate(gradient, &u));
  PetscCall(VecDuplicate(gradient, &differences));
  PetscCall(VecZeroEntries(differences));
  PetscCall(VecGetSize(gradient, &N));
  for (PetscInt k = 0; k < N; k++) {
    for (PetscInt side = 0; side < 2; side++) {
      PetscCall(AddTo(plume->m, k, side == 0 ? h : -2.0 * h));
      PetscCall(PlumeAssemble(NULL, A, A, plume->b, plume));
      PetscCall(KSPSolve(ksp, plume->b, u));
      PetscCall(VecDot(u, plume->receptor, &mean[side]));
    }
    PetscCall(AddTo(plume->m, k, h));
    PetscCall(AddTo(differences, k, (mean[0] - mean[1]) / (2.0 * h)));
  }
  PetscCall(VecAXPY(differences, -1.0, gradient));
  PetscCall(VecNorm(differences, NORM_INFINITY, &error));
  PetscCall(VecNorm(gradient, NORM_INFINITY, &size));
  PetscCall(Close("Gradient in the decay rate and its differences", size + error, size, 1.0e-6));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&differences));
  PetscFunctionReturn(0);
}

/* The diagonal of the gradient in A against the gradient in m, every entry */
static PetscErrorCode CheckDiagonal(Mat Abar, Vec gradient)
{
  Vec       diagonal;
  PetscReal error, size;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(gradient, &diagonal));
  PetscCall(MatGetDiagonal(Abar, diagonal));
  PetscCall(VecAXPY(diagonal, -1.0, gradient));
  PetscCall(VecNorm(diagonal, NORM_INFINITY, &error));
  PetscCall(VecNorm(gradient, NORM_INFINITY, &size));
  PetscCall(Close("Gradient in the decay rate and the diagonal of that in A", size + error, size, 1.0e-8));
  PetscCall(VecDestroy(&diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(Plume *plume, Dini dini, Vec u, Vec dm, Vec du, Vec gradient, Mat Abar)
{
  KSP         ksp;
  Vec         part;
  PetscInt    decay, source;
  PetscBool   differences = PETSC_FALSE;
  PetscScalar left, right;

  PetscFunctionBeginUser;
  /* <receptor, D dm> = <D^H receptor, dm> */
  PetscCall(VecDot(du, plume->receptor, &left));
  PetscCall(VecDot(dm, gradient, &right));
  PetscCall(Close("Tangent and adjoint", left, right, 1.0e-8));

  /* the mean is linear in the source, so <gradient, source> is the mean itself */
  PetscCall(DiniFindParameter(dini, "source", &source));
  PetscCall(DiniGetParameterSubVec(dini, gradient, source, &part));
  PetscCall(VecDot(plume->b, part, &left));
  PetscCall(DiniRestoreParameterSubVec(dini, gradient, source, &part));
  PetscCall(VecDot(u, plume->receptor, &right));
  PetscCall(Close("Source times its gradient and the mean", left, right, 1.0e-8));

  /* the decay rates are added to the diagonal of A, so the gradient in them is the diagonal of that in A */
  PetscCall(DiniFindParameter(dini, "decay", &decay));
  PetscCall(DiniGetParameterSubVec(dini, gradient, decay, &part));
  PetscCall(CheckDiagonal(Abar, part));
  PetscCall(DiniRestoreParameterSubVec(dini, gradient, decay, &part));

  PetscCall(PetscOptionsGetBool(NULL, NULL, "-lin_check", &differences, NULL));
  if (!differences) PetscFunctionReturn(0);
  PetscCall(DiniGetKSP(dini, &ksp));
  PetscCall(DiniGetParameterSubVec(dini, gradient, decay, &part));
  PetscCall(CheckDecay(plume, ksp, part));
  PetscCall(DiniRestoreParameterSubVec(dini, gradient, decay, &part));
  PetscFunctionReturn(0);
}
