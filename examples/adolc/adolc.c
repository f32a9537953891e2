static char help[] =
    "Derivatives of an element kernel by ADOL-C, in PETSc matrices and products, with Dini. Option prefix -ad_.\n"
    "  Flow through a medium whose conductivity depends on place and state, linear triangles:\n"
    "    -div(e^m (1 + u^2) grad u) = f  on the unit square, u = 0 on its boundary.\n"
    "  The residual of one triangle is written once and taped once; J, F_m and the products with F_m and its "
    "transpose\n"
    "  come from the tape. Result: the gradient of 1/2 |u|^2 with respect to m.\n"
    "  Try:  mpiexec -n 2 ./adolc -da_refine 2 -ad_check -dini_view\n\n";

#include "elements.h"

static PetscErrorCode Derivatives(Dini, DiniParameterType, Vec u, Vec dm, Vec du, Vec gradient);
static PetscErrorCode Close(const char what[], Vec, Vec, PetscReal rtol);
static PetscErrorCode CheckJacobian(SNES, Vec u, Mat J);

int main(int argc, char **argv)
{
  Elements  elements;
  SNES      snes;
  Dini      dini;
  Mat       J, Fm;
  Vec       u, dm, du[3], gradient[3];
  PetscInt  p;
  PetscBool check = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-ad_check", &check, NULL));

  PetscCall(ElementsCreate(PETSC_COMM_WORLD, &elements));
  PetscCall(DMCreateGlobalVector(elements.da, &u));
  PetscCall(DMCreateMatrix(elements.da, &J));
  PetscCall(DMCreateMatrix(elements.da, &Fm)); /* the same nodes are neighbours in both */
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetDM(snes, elements.da));
  PetscCall(SNESSetFunction(snes, NULL, ElementsResidual, &elements));
  PetscCall(SNESSetJacobian(snes, J, J, ElementsJacobian, &elements));
  PetscCall(SNESSetTolerances(snes, 1e-12, 1e-12, 0.0, 50, 10000));
  PetscCall(SNESSetFromOptions(snes));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "log_k", elements.m, &p));
  PetscCall(DiniSetParameterJacobian(dini, p, Fm, ElementsFill, &elements));
  PetscCall(DiniSetParameterOperator(dini, p, ElementsApply, ElementsApplyAdjoint, &elements));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));

  PetscCall(VecDuplicate(elements.m, &dm));
  PetscCall(VecSetRandom(dm, NULL));
  for (int k = 0; k < 3; k++) {
    PetscCall(VecDuplicate(u, &du[k]));
    PetscCall(VecDuplicate(elements.m, &gradient[k]));
  }
  PetscCall(Derivatives(dini, DINIPARAMETERMATRIX, u, dm, du[0], gradient[0]));   /* F_m assembled from the tape */
  PetscCall(Derivatives(dini, DINIPARAMETEROPERATOR, u, dm, du[1], gradient[1])); /* products from the tape */
  PetscCall(Close("Tangents by matrix and by products", du[0], du[1], 1e-8));
  PetscCall(Close("Gradients by matrix and by products", gradient[0], gradient[1], 1e-8));
  if (check) { /* and against what knows nothing of tapes: coloured differences of the residual */
    PetscCall(Derivatives(dini, DINIPARAMETERCOLORING, u, dm, du[2], gradient[2]));
    PetscCall(Close("Tangents by matrix and by differences", du[0], du[2], 1e-6));
    PetscCall(Close("Gradients by matrix and by differences", gradient[0], gradient[2], 1e-6));
    PetscCall(CheckJacobian(snes, u, J));
  }

  for (int k = 0; k < 3; k++) {
    PetscCall(VecDestroy(&du[k]));
    PetscCall(VecDestroy(&gradient[k]));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&Fm));
  PetscCall(MatDestroy(&J));
  PetscCall(ElementsDestroy(&elements));
  PetscCall(PetscFinalize());
  return 0;
}

/* The derivative of u along dm, and the gradient of 1/2 |u|^2, with F_m obtained in this way */
static PetscErrorCode Derivatives(Dini dini, DiniParameterType type, Vec u, Vec dm, Vec du, Vec gradient)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(DiniFindParameter(dini, "log_k", &p));
  PetscCall(DiniSetParameterType(dini, p, type));
  PetscCall(DiniJVP(dini, dm, du));
  PetscCall(DiniVJP(dini, u, gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(const char what[], Vec a, Vec b, PetscReal rtol)
{
  PetscReal error, size;
  Vec       d;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a, &d));
  PetscCall(VecCopy(a, d));
  PetscCall(VecAXPY(d, -1.0, b));
  PetscCall(VecNorm(d, NORM_INFINITY, &error));
  PetscCall(VecNorm(b, NORM_INFINITY, &size));
  PetscCall(VecDestroy(&d));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s agree to %.1e relative\n", what, (double)(error / size)));
  PetscCheck(error <= rtol * size && size > 0.0, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%s differ by %g relative", what,
             (double)(error / size));
  PetscFunctionReturn(0);
}

/* J from the tape, entry by entry, against PETSc's coloured differences */
static PetscErrorCode CheckJacobian(SNES snes, Vec u, Mat J)
{
  Mat       taped, differences;
  PetscReal error, size;

  PetscFunctionBeginUser;
  PetscCall(SNESComputeJacobian(snes, u, J, J));
  PetscCall(MatDuplicate(J, MAT_COPY_VALUES, &taped));
  PetscCall(MatDuplicate(J, MAT_DO_NOT_COPY_VALUES, &differences));
  PetscCall(SNESComputeJacobianDefaultColor(snes, u, differences, differences, NULL));
  PetscCall(MatAXPY(differences, -1.0, taped, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(differences, NORM_FROBENIUS, &error));
  PetscCall(MatNorm(taped, NORM_FROBENIUS, &size));
  PetscCall(
      PetscPrintf(PETSC_COMM_WORLD, "J by tape and by differences agree to %.1e relative\n", (double)(error / size)));
  PetscCheck(error <= 1e-6 * size, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "J by tape and by differences differ by %g relative", (double)(error / size));
  PetscCall(MatDestroy(&taped));
  PetscCall(MatDestroy(&differences));
  PetscFunctionReturn(0);
}
