static char help[] =
    "What is declared of F_m and J is checked at each point, what is computed where values have moved by an order.\n";

#include "support/sourced.h"

/* Declared zero at u = 0, where it is: right there and refused at the next point; where it is true, a residual or two */
static PetscErrorCode TestDeclaredZero(void)
{
  Sourced        p;
  DiniStatistics s[2];

  PetscFunctionBeginUser;
  PetscCall(SourcedCreate(COEFFICIENT, 0.0, 0.5, &p));
  PetscCall(DiniSetParameterType(p.dini, p.block, DINIPARAMETERZERO));
  PetscCall(SourcedAt(&p, 0.0, 0.5));
  PetscCall(SourcedRight(&p, "declared zero where it is"));
  PetscCall(SourcedAt(&p, 2.0, 0.5));
  PetscCall(SourcedRefused(&p, "take back -dini_parameter_m_type zero"));
  PetscCall(SourcedDestroy(&p));
  PetscCall(SourcedCreate(NOTHING, 2.0, 0.5, &p));
  PetscCall(DiniSetParameterType(p.dini, p.block, DINIPARAMETERZERO));
  for (int k = 0; k < 3; k++) {
    PetscCall(SourcedAt(&p, 2.0 + k, 0.5));
    PetscCall(DiniGetStatistics(p.dini, &s[0]));
    PetscCall(SourcedRight(&p, "declared zero and so it is"));
    PetscCall(DiniGetStatistics(p.dini, &s[1]));
    if (k > 1)
      DiniTestTrue(s[1].residuals - s[0].residuals <= 7, "%" PetscInt_FMT " residuals",
                   s[1].residuals - s[0].residuals);
  }
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Affine at one point only, m^2 being flat as far as rounding tells from afar: a declaration is asked again */
static PetscErrorCode TestDeclaredAffine(void)
{
  Sourced p;

  PetscFunctionBeginUser;
  PetscCall(SourcedCreate(FACTOR, 1.0, 0.5, &p));
  PetscCall(DiniSetParameterAffine(p.dini, p.block, PETSC_TRUE));
  PetscCall(SourcedAt(&p, 1.0, 0.5));
  PetscCall(SourcedRight(&p, "affine"));
  p.kind = SQUARE; /* as a code that switches its model */
  PetscCall(SourcedAt(&p, 1.0, 0.5));
  PetscCall(SourcedRefused(&p, "take back -dini_parameter_m_affine"));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix F_m without a callback is a constant: right at the first point, refused at one where it is not */
static PetscErrorCode TestConstant(void)
{
  Sourced     p;
  Vec         d, column;
  PetscInt    n;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(SourcedCreate(QUADRATIC, 1.0, 0.1, &p));
  PetscCall(VecGetLocalSize(p.u, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, rank ? 0 : 1, 5, 1, NULL, &p.Fm));
  PetscCall(SourcedAt(&p, 1.0, 0.1));
  PetscCall(VecDuplicate(p.u, &d));
  PetscCall(SourcedDiagonal(&p, p.u, PETSC_TRUE, d));
  PetscCall(MatDenseGetColumnVecWrite(p.Fm, 0, &column));
  PetscCall(VecAXPBY(column, -1.0, 0.0, d));
  PetscCall(MatDenseRestoreColumnVecWrite(p.Fm, 0, &column));
  PetscCall(MatAssemblyBegin(p.Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p.Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(DiniSetParameterJacobian(p.dini, p.block, p.Fm, NULL, NULL));
  PetscCall(DiniSetParameterType(p.dini, p.block, DINIPARAMETERMATRIX));
  PetscCall(SourcedAt(&p, 1.0, 0.1));
  PetscCall(SourcedRight(&p, "a constant F_m"));
  PetscCall(SourcedAt(&p, 4.0, 0.1));
  PetscCall(SourcedRefused(&p, "(type \"matrix\") is not dF/dm"));
  PetscCall(VecDestroy(&d));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J without a callback is a constant, too; F_m zero when first seen says nothing of the next point */
static PetscErrorCode TestConstantJacobian(void)
{
  Sourced p;
  Mat     J;

  PetscFunctionBeginUser;
  PetscCall(SourcedCreate(FACTOR, 1.0, 0.1, &p));
  PetscCall(SourcedAt(&p, 1.0, 0.1));
  PetscCall(SourcedJacobian(NULL, p.u, p.J, p.J, &p));
  PetscCall(MatDuplicate(p.J, MAT_COPY_VALUES, &J));
  PetscCall(DiniSetJacobian(p.dini, J, NULL, NULL, NULL));
  PetscCall(SourcedAt(&p, 1.0, 0.1));
  PetscCall(SourcedRight(&p, "a constant J"));
  PetscCall(SourcedAt(&p, 1.5, 0.1));
  PetscCall(SourcedRefused(&p, "The Jacobian is not dF/du"));
  PetscCall(MatDestroy(&J));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A callback for F_m that says zero, which is right at m = 0 */
static PetscErrorCode NoFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  (void)ctx;
  PetscCall(MatZeroEntries(Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was right where it was looked at is looked at again where values have moved by an order: F_m, and J of a SNES */
static PetscErrorCode TestMoved(void)
{
  Sourced     p;
  PetscInt    n;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(SourcedCreate(SQUARE, 1.0, 0.0, &p));
  PetscCall(VecGetLocalSize(p.u, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, rank ? 0 : 1, 5, 1, NULL, &p.Fm));
  PetscCall(DiniSetParameterJacobian(p.dini, p.block, p.Fm, NoFill, NULL));
  PetscCall(SourcedAt(&p, 1.0, 0.0));
  PetscCall(SourcedRight(&p, "said to be zero where it is"));
  PetscCall(SourcedAt(&p, 1.0, 0.5));
  PetscCall(SourcedRefused(&p, "(type \"matrix\") is not dF/dm"));
  PetscCall(SourcedDestroy(&p));
  PetscCall(SourcedCreate(FACTOR, 1.0, 0.1, &p));
  p.wrong = PETSC_TRUE;
  PetscCall(SourcedAt(&p, 1.0, 0.1));
  PetscCall(SourcedRight(&p, "J where it is right"));
  PetscCall(SourcedAt(&p, 500.0, 0.1)); /* differences are taken in its place */
  PetscCall(SourcedRight(&p, "J where it is wrong"));
  PetscCall(SourcedDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDeclaredZero());
  PetscCall(TestDeclaredAffine());
  PetscCall(TestConstant());
  PetscCall(TestConstantJacobian());
  PetscCall(TestMoved());
  PetscCall(PetscFinalize());
  return 0;
}
