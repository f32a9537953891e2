static char help[] =
    "Signs and conjugates against a 2 x 2 system solved by hand. Real builds see the real part of the matter.\n";

#include "support/fixtures.h"

/*
  A u = m with A = [p q; 0 s]: A^{-H} g = [g_0 / p*; (g_1 - q* g_0 / p*) / s*], and the plain transpose without the stars.
  Two rows on every rank, numbered locally; ranks are copies of each other.
*/
typedef struct {
  PetscScalar p, q, s;
} Entries;

static PetscErrorCode Expected(Entries a, PetscBool conjugate, Vec g, Vec x)
{
  const PetscScalar *ga;
  PetscScalar       *xa;
  const PetscScalar  p = conjugate ? PetscConj(a.p) : a.p, q = conjugate ? PetscConj(a.q) : a.q;
  const PetscScalar  s = conjugate ? PetscConj(a.s) : a.s;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(g, &ga));
  PetscCall(VecGetArray(x, &xa));
  xa[0] = ga[0] / p;
  xa[1] = (ga[1] - q * xa[0]) / s;
  PetscCall(VecRestoreArrayRead(g, &ga));
  PetscCall(VecRestoreArray(x, &xa));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Entries a, Mat *A, KSP *ksp, Vec *b, Vec *u, Dini *dini)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 2, 2, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, A));
  PetscCall(MatGetOwnershipRange(*A, &lo, &hi));
  PetscCall(MatSetValue(*A, lo, lo, a.p, INSERT_VALUES));
  PetscCall(MatSetValue(*A, lo, lo + 1, a.q, INSERT_VALUES));
  PetscCall(MatSetValue(*A, lo + 1, lo + 1, a.s, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(*A, u, b));
  PetscCall(DiniTestFill(*b, 94));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPSetOperators(*ksp, *A, *A));
  PetscCall(KSPSetTolerances(*ksp, 1e-13, 1e-50, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, dini));
  PetscCall(DiniSetKSP(*dini, *ksp));
  PetscCall(DiniSetLinearSystem(*dini, *b, NULL, NULL));
  PetscCall(DiniAddParameter(*dini, "b", *b, NULL));
  PetscCall(DiniSetParameterType(*dini, 0, DINIPARAMETERRHS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = A u - b: VJP = + A^{-H} ubar, because F_m = -1 and the rule has a minus of its own. */
static PetscErrorCode TestConvention(DiniTranspose transpose, DiniAdjointType adjoint)
{
  const Entries a = {DiniTestScalar(2.0, 1.0), DiniTestScalar(0.5, -3.0), DiniTestScalar(-1.0, 2.0)};
  Mat           A, D;
  KSP           ksp;
  Vec           b, u, ubar, mbar, x;
  Dini          dini;
  PetscBool     hermitian = (PetscBool)(adjoint == DINI_ADJOINT_HERMITIAN);

  PetscFunctionBeginUser;
  PetscCall(Create(a, &A, &ksp, &b, &u, &dini));
  PetscCall(DiniSetTranspose(dini, transpose));
  PetscCall(DiniSetAdjointType(dini, adjoint));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(DiniTestVec(u, 95, &ubar));
  PetscCall(VecDuplicate(b, &mbar));
  PetscCall(VecDuplicate(u, &x));
  PetscCall(DiniVJP(dini, ubar, mbar));
  PetscCall(Expected(a, hermitian, ubar, x));
  PetscCall(DiniTestVecsClose(mbar, x, 1e-9, "VJP of a system solved by hand"));
#if defined(PETSC_USE_COMPLEX)
  PetscCall(Expected(a, (PetscBool)!hermitian, ubar, x));
  PetscCall(DiniTestVecsDiffer(mbar, x, 1e-2, "Hermitian adjoint and plain transpose"));
#endif
  PetscCall(DiniAdjointSolve(dini, ubar, mbar)); /* by the same convention */
  PetscCall(Expected(a, hermitian, ubar, x));
  PetscCall(DiniTestVecsClose(mbar, x, 1e-9, "adjoint solve of a system solved by hand"));
  /* as a Mat the derivative knows both, whatever the convention of DiniVJP() */
  PetscCall(Expected(a, PETSC_TRUE, ubar, x));
  PetscCall(DiniGetDerivative(dini, &D));
  PetscCall(MatMultHermitianTranspose(D, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, x, 1e-9, "MatMultHermitianTranspose of the derivative"));
  PetscCall(MatMultTranspose(D, ubar, mbar));
  PetscCall(Expected(a, PETSC_FALSE, ubar, x));
  PetscCall(DiniTestVecsClose(mbar, x, 1e-9, "MatMultTranspose of the derivative"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&u));
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transpose convention reaches F_m as well: the linear fixture's A depends on m, with complex entries. */
static PetscErrorCode TestParameterSide(DiniParameterType kind)
{
  Linear l;
  Vec    ubar, mbar, plain;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(8, &l));
  PetscCall(LinearDini(&l, DINIKSP, kind));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniTestVec(l.u, 96, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &plain));
  /* F_m^T J^{-T} g = conj(F_m^H J^{-H} conj(g)) */
  PetscCall(DiniVJP(l.dini, ubar, mbar));
  PetscCall(DiniSetAdjointType(l.dini, DINI_ADJOINT_TRANSPOSE));
  PetscCall(VecConjugate(ubar));
  PetscCall(DiniVJP(l.dini, ubar, plain));
  PetscCall(VecConjugate(plain));
  PetscCall(DiniTestVecsClose(mbar, plain, 1e-8, kind));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&plain));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int adjoint = 0; adjoint < 2; adjoint++) {
    PetscCall(TestConvention(DINI_TRANSPOSE_AUTO, (DiniAdjointType)adjoint));
    PetscCall(TestConvention(DINI_TRANSPOSE_NATIVE, (DiniAdjointType)adjoint));
    PetscCall(TestConvention(DINI_TRANSPOSE_EXPLICIT, (DiniAdjointType)adjoint));
  }
  PetscCall(TestParameterSide(DINIPARAMETERMATRIX));
  PetscCall(TestParameterSide(DINIPARAMETERCOLORING));
  PetscCall(TestParameterSide(DINIPARAMETERFD));
  PetscCall(PetscFinalize());
  return 0;
}
