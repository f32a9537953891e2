static char help[] = "A saddle point [K, B^T; B, 0] as a nest without its last block, by a KSP and by a SNES: what "
                     "copies it, copies block by block.\n";

#include "support/dinitest.h"

#define NU 3 /* unknowns on each rank that K acts on, and one that B sees */

/* K = diag(k + 0.3 i) + k^2/10, and B sums the three */
typedef struct {
  PetscScalar k;
  Mat         K, B, Bt, A;
  Vec         u, b, r;
  KSP         ksp;
  SNES        snes;
  Dini        dini;
  PetscInt    p;
} Saddle;

static PetscErrorCode Fill(Saddle *s, Mat K)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(K, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(MatSetValue(K, i, i, s->k + 0.3 * (PetscReal)i + 0.1 * s->k * s->k, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(K, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(K, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillNest(Saddle *s, Mat A)
{
  Mat K;

  PetscFunctionBeginUser;
  PetscCall(MatNestGetSubMat(A, 0, 0, &K));
  PetscCall(Fill(s, K));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)P, (void)b;
  PetscCall(FillNest((Saddle *)ctx, A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Saddle *s = (Saddle *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(FillNest(s, s->A));
  PetscCall(MatMult(s->A, u, F));
  PetscCall(VecAXPY(F, -1.0, s->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)u, (void)P;
  PetscCall(FillNest((Saddle *)ctx, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SaddleCreate(PetscBool snes, PetscBool virtual, Saddle *s)
{
  Mat      blocks[4] = {NULL, NULL, NULL, NULL};
  PetscInt lo, hi;
  PC       pc;

  PetscFunctionBeginUser;
  s->k = 1.5;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, NU, NU, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &s->K));
  PetscCall(Fill(s, s->K));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 1, NU, PETSC_DETERMINE, PETSC_DETERMINE, NU, NULL, 0, NULL, &s->B));
  PetscCall(MatGetOwnershipRange(s->B, &lo, &hi));
  for (PetscInt j = NU * lo; j < NU * hi; j++)
    PetscCall(MatSetValue(s->B, j / NU, j, 1.0 + 0.2 * (PetscReal)(j % NU), INSERT_VALUES));
  PetscCall(MatAssemblyBegin(s->B, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->B, MAT_FINAL_ASSEMBLY));
  if (virtual) PetscCall(MatCreateTranspose(s->B, &s->Bt));
  else PetscCall(MatTranspose(s->B, MAT_INITIAL_MATRIX, &s->Bt));
  blocks[0] = s->K;
  blocks[1] = s->Bt;
  blocks[2] = s->B;
  PetscCall(MatCreateNest(PETSC_COMM_WORLD, 2, NULL, 2, NULL, blocks, &s->A));
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(VecDuplicate(s->u, &s->r));
  PetscCall(DiniTestFill(s->b, 3));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &s->snes));
  PetscCall(SNESSetFunction(s->snes, NULL, Residual, s));
  PetscCall(SNESSetJacobian(s->snes, s->A, s->A, Jacobian, s));
  PetscCall(SNESSetTolerances(s->snes, 1e-50, 1e-12, 1e-14, 20, 200));
  if (snes) {
    PetscCall(SNESGetKSP(s->snes, &s->ksp));
    PetscCall(PetscObjectReference((PetscObject)s->ksp));
  } else PetscCall(KSPCreate(PETSC_COMM_WORLD, &s->ksp));
  if (!snes) PetscCall(KSPSetOperators(s->ksp, s->A, s->A));
  PetscCall(KSPSetTolerances(s->ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(s->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  if (snes) PetscCall(DiniSetSNES(s->dini, s->snes));
  else PetscCall(DiniSetKSP(s->dini, s->ksp));
  if (!snes) PetscCall(DiniSetLinearSystem(s->dini, s->b, Assemble, s));
  PetscCall(DiniAddScalarParameter(s->dini, "k", &s->k, &s->p));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SaddleDestroy(Saddle *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(SNESDestroy(&s->snes));
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->A));
  PetscCall(MatDestroy(&s->Bt));
  PetscCall(MatDestroy(&s->B));
  PetscCall(MatDestroy(&s->K));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->b));
  PetscCall(VecDestroy(&s->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/dk = -A^{-1} (dK/dk) u with dK/dk = 1 + k/5 on the rows of K, and its adjoint against the same cotangent */
static PetscErrorCode TestDerivatives(Saddle *s, const char what[])
{
  Mat                plain;
  Vec                dm, mbar, du, ubar, expected;
  PetscScalar        found, right;
  const PetscScalar *u;
  PetscScalar       *r;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(s->dini, s->u));
  PetscCall(DiniCreateParameterVec(s->dini, &dm));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecDuplicate(s->u, &du));
  PetscCall(VecDuplicate(s->u, &expected));
  PetscCall(DiniTestVec(s->u, 7, &ubar));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(s->dini, dm, du));
  PetscCall(DiniVJP(s->dini, ubar, mbar));
  PetscCall(VecSet(s->r, 0.0));
  PetscCall(VecGetArrayRead(s->u, &u));
  PetscCall(VecGetArray(s->r, &r));
  for (PetscInt i = 0; i < NU; i++) r[i] = -(1.0 + 0.2 * s->k) * u[i]; /* a rank has its rows of K first */
  PetscCall(VecRestoreArray(s->r, &r));
  PetscCall(VecRestoreArrayRead(s->u, &u));
  PetscCall(MatConvert(s->A, MATAIJ, MAT_INITIAL_MATRIX, &plain));
  PetscCall(MatSetOption(plain, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatShift(plain, 1.0)); /* a factorisation wants the entries of the diagonal to be there */
  PetscCall(MatShift(plain, -1.0));
  PetscCall(DiniTestDirectSolve(plain, PETSC_FALSE, s->r, expected));
  PetscCall(DiniTestVecsClose(du, expected, 1e-6, what));
  PetscCall(VecDot(expected, ubar, &right));
  PetscCall(VecSum(mbar, &found));
  DiniTestClose(PetscRealPart(found), PetscRealPart(right), 1e-6, 0.0, what);
  PetscCall(MatDestroy(&plain));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscBool snes, PetscBool virtual, const char what[])
{
  Saddle s = {0};

  PetscFunctionBeginUser;
  PetscCall(SaddleCreate(snes, virtual, &s));
  PetscCall(TestDerivatives(&s, what));
  s.k = 2.1; /* copies of the first point take the values of the second */
  PetscCall(TestDerivatives(&s, what));
  PetscCall(SaddleDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Test(PETSC_FALSE, PETSC_FALSE, "type ksp"));
  PetscCall(Test(PETSC_FALSE, PETSC_TRUE, "type ksp with a virtual transpose"));
  PetscCall(Test(PETSC_TRUE, PETSC_FALSE, "type snes"));
  PetscCall(Test(PETSC_TRUE, PETSC_TRUE, "type snes with a virtual transpose"));
  PetscCall(PetscFinalize());
  return 0;
}
