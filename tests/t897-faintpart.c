static char help[] =
    "Two systems in one, that nobody tells apart by the sizes of rows: of right-hand sides that are orders of magnitude apart a\n\
norm sees the larger one only. What a Krylov method has found of the other one is right as well.\n\
  -faint <1e-9>  of the larger right-hand side\n";

#include "support/dinitest.h"

#define N     12   /* unknowns of a system, on each rank */
#define RIGHT 1e-5 /* of each part by itself */

typedef struct {
  Mat  A;
  Vec  u, b;
  KSP  ksp;
  Dini dini;
} Pair;

/* Unknowns 0, 2, 4, ... are one chain, 1, 3, 5, ... the other */
static PetscErrorCode PairCreate(Pair *p)
{
  PetscInt lo, hi, n;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 2 * N, 2 * N, PETSC_DETERMINE, PETSC_DETERMINE, 3, NULL, 2, NULL, &p->A));
  PetscCall(MatGetOwnershipRange(p->A, &lo, &hi));
  PetscCall(MatGetSize(p->A, &n, NULL));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(p->A, i, i, i % 2 ? DiniTestScalar(2.1, 0.1) : 4.0, INSERT_VALUES));
    if (i >= 2) PetscCall(MatSetValue(p->A, i, i - 2, -1.2, INSERT_VALUES));
    if (i + 2 < n) PetscCall(MatSetValue(p->A, i, i + 2, -0.8, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(p->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(p->A, &p->u, &p->b));
  PetscCall(DiniTestFill(p->b, 3));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &p->ksp));
  PetscCall(KSPSetOperators(p->ksp, p->A, p->A));
  PetscCall(KSPSetTolerances(p->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(p->ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetKSP(p->dini, p->ksp));
  PetscCall(DiniSetLinearSystem(p->dini, p->b, NULL, NULL));
  PetscCall(DiniAddParameter(p->dini, "b", p->b, NULL));
  PetscCall(DiniSetFromOptions(p->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest error of the unknowns of one system, of the largest of them */
static PetscErrorCode PartError(Vec found, Vec expected, PetscInt part, PetscReal *error)
{
  const PetscScalar *f, *e;
  PetscReal          mine[2] = {0.0}, all[2];

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(found, &f));
  PetscCall(VecGetArrayRead(expected, &e));
  for (PetscInt i = part; i < 2 * N; i += 2) {
    mine[0] = PetscMax(mine[0], PetscAbsScalar(f[i] - e[i]));
    mine[1] = PetscMax(mine[1], PetscAbsScalar(e[i]));
  }
  PetscCall(VecRestoreArrayRead(expected, &e));
  PetscCall(VecRestoreArrayRead(found, &f));
  PetscCall(MPIU_Allreduce(mine, all, 2, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *error = all[0] / all[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(Pair *p, PetscReal faint, PetscBool adjoint)
{
  Vec          r, x, expected;
  PetscScalar *a;
  PetscReal    error;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(p->u, 4, &r));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(VecDuplicate(r, &expected));
  PetscCall(VecGetArray(r, &a));
  for (PetscInt i = 1; i < 2 * N; i += 2) a[i] *= faint;
  PetscCall(VecRestoreArray(r, &a));
  PetscCall(DiniTestDirectSolve(p->A, adjoint, r, expected));
  if (adjoint) PetscCall(DiniAdjointSolve(p->dini, r, x));
  else PetscCall(DiniTangentSolve(p->dini, r, x));
  for (PetscInt part = 0; part < 2; part++) {
    PetscCall(PartError(x, expected, part, &error));
    DiniTestTrue(error <= RIGHT, "The %s part of %s solution is off by %g", part ? "faint" : "large",
                 adjoint ? "an adjoint" : "a tangent", (double)error);
  }
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Pair      p     = {0};
  PetscReal faint = 1e-9;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-faint", &faint, NULL));
  PetscCall(PairCreate(&p));
  PetscCall(DiniSolve(p.dini, p.u));
  PetscCall(Test(&p, faint, PETSC_TRUE));
  PetscCall(Test(&p, faint, PETSC_FALSE));
  PetscCall(DiniDestroy(&p.dini));
  PetscCall(KSPDestroy(&p.ksp));
  PetscCall(VecDestroy(&p.u));
  PetscCall(VecDestroy(&p.b));
  PetscCall(MatDestroy(&p.A));
  PetscCall(PetscFinalize());
  return 0;
}
