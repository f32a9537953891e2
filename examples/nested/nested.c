static char help[] =
    "A residual that contains another solve: diffusion with a reaction that is found at each point. Option prefix "
    "-nest_.\n"
    "  outer: -u'' + v(u, m) = f  on the unit interval, u = 0 at its ends\n"
    "  inner: v + m v^3 = u       at each node\n"
    "  Parameter: m, a field that only the inner relation reads. Result: the mean of u, and its gradient in m.\n"
    "  Try:  mpiexec -n 2 ./nested -nest_nodes 200 -dini_view\n\n";

#include "micro.h"

typedef struct {
  Micro micro; /* v(u, m) and its Dini */
  Mat   A;     /* -u'' */
  Vec   f;
  Mat   Du, Dm; /* dv/du and dv/dm, pinned to the outer point */
} Nested;

/* F = A u + v(u, m) - f */
static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Nested *nested = (Nested *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MicroSolve(&nested->micro, u));
  PetscCall(MatMult(nested->A, u, F));
  PetscCall(VecAXPY(F, 1.0, nested->micro.v));
  PetscCall(VecAXPY(F, -1.0, nested->f));
  PetscFunctionReturn(0);
}

/* J = A + dv/du is a sum of matrices that exists already: only the point of the second one has to be renewed. */
static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Nested *nested = (Nested *)ctx;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(MicroSolve(&nested->micro, u));
  PetscCall(DiniPinDerivative(nested->Du));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* F_m = dv/dm is the other pinned derivative */
static PetscErrorCode FillParameter(Dini outer, Vec u, Vec m, Mat Fm, void *ctx)
{
  Nested *nested = (Nested *)ctx;

  PetscFunctionBeginUser;
  (void)outer, (void)m;
  PetscCall(MicroSolve(&nested->micro, u));
  PetscCall(DiniPinDerivative(Fm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(Nested *, Vec, Vec, Vec);

int main(int argc, char **argv)
{
  Nested      nested;
  Dini        dini;
  SNES        snes;
  Mat         J, sum[2];
  Vec         u, weights, gradient;
  PetscInt    n = 40;
  PetscScalar mean;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-nest_nodes", &n, NULL));
  PetscCall(MicroCreate(PETSC_COMM_WORLD, n, &nested.micro));
  PetscCall(LaplacianCreate(nested.micro.v, &nested.A));
  PetscCall(VecDuplicate(nested.micro.v, &nested.f));
  PetscCall(VecDuplicate(nested.micro.v, &u));
  PetscCall(VecSet(nested.f, 40.0));
  PetscCall(VecSet(u, 0.0));

  /* the inner solve once, so that its derivatives exist as matrices; J = A + dv/du from then on */
  PetscCall(MicroSolve(&nested.micro, u));
  PetscCall(DiniCreateDerivative(nested.micro.dini, nested.micro.blocku, &nested.Du));
  PetscCall(DiniCreateDerivative(nested.micro.dini, nested.micro.blockm, &nested.Dm));
  sum[0] = nested.A;
  sum[1] = nested.Du;
  PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, sum, &J));

  /* the outer solve: A alone is the preconditioner */
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, Residual, &nested));
  PetscCall(SNESSetJacobian(snes, J, nested.A, Jacobian, &nested));
  PetscCall(SNESSetTolerances(snes, 1e-10, 1e-12, 0.0, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(PetscObjectSetName((PetscObject)dini, "outer"));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", nested.micro.m, NULL)); /* the same Vec as the inner block */
  PetscCall(DiniSetParameterJacobian(dini, 0, nested.Dm, FillParameter, &nested));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERMATRIX));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));

  PetscCall(VecDuplicate(u, &weights));
  PetscCall(VecDuplicate(u, &gradient));
  PetscCall(VecSet(weights, 1.0 / (PetscReal)n));
  PetscCall(VecDot(u, weights, &mean));
  PetscCall(DiniVJP(dini, weights, gradient));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "mean of u = %.10f\n", (double)PetscRealPart(mean)));
  PetscCall(Check(&nested, u, weights, gradient));

  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&nested.Du));
  PetscCall(MatDestroy(&nested.Dm));
  PetscCall(MatDestroy(&nested.A));
  PetscCall(VecDestroy(&nested.f));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&weights));
  PetscCall(VecDestroy(&gradient));
  PetscCall(MicroDestroy(&nested.micro));
  PetscCall(PetscFinalize());
  return 0;
}

/* By hand: dv/du = 1 / (1 + 3 m v^2) and dv/dm = -v^3 / (1 + 3 m v^2), so J is assembled and lambda found without Dini. */
static PetscErrorCode Check(Nested *nested, Vec u, Vec weights, Vec gradient)
{
  Vec       v = nested->micro.v, slope, lambda;
  Mat       J;
  KSP       ksp;
  PetscReal error, size;

  PetscFunctionBeginUser;
  PetscCall(MicroSolve(&nested->micro, u));
  PetscCall(VecDuplicate(v, &slope));
  PetscCall(VecDuplicate(v, &lambda));
  PetscCall(VecPointwiseMult(slope, v, v));
  PetscCall(VecPointwiseMult(slope, slope, nested->micro.m));
  PetscCall(VecScale(slope, 3.0));
  PetscCall(VecShift(slope, 1.0));
  PetscCall(VecReciprocal(slope));
  PetscCall(MatDuplicate(nested->A, MAT_COPY_VALUES, &J));
  PetscCall(MatDiagonalSet(J, slope, ADD_VALUES));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp)); /* J is symmetric */
  PetscCall(KSPSetOptionsPrefix(ksp, "nest_check_"));
  PetscCall(KSPSetOperators(ksp, J, J));
  PetscCall(KSPSetTolerances(ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSolve(ksp, weights, lambda));
  PetscCall(VecPointwiseMult(slope, slope, v)); /* -F_m = v^3 / (1 + 3 m v^2) */
  PetscCall(VecPointwiseMult(slope, slope, v));
  PetscCall(VecPointwiseMult(slope, slope, v));
  PetscCall(VecPointwiseMult(lambda, lambda, slope));
  PetscCall(VecNorm(lambda, NORM_INFINITY, &size));
  PetscCall(VecAXPY(lambda, -1.0, gradient));
  PetscCall(VecNorm(lambda, NORM_INFINITY, &error));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "gradient and the elimination by hand agree to %.1e relative\n",
                        (double)(error / size)));
  PetscCheck(error <= 1e-8 * size, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The gradient is off by %g relative",
             (double)(error / size));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&slope));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(0);
}
