static char help[] = "A saddle point [K, B^T; B, 0] as a nest without its last block, by a KSP and by a SNES: what "
                     "copies it, copies block by block, and a field without a diagonal block is judged by what drives "
                     "it.\n";

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

/* What DiniTestFill() does, part by part of a VECNEST */
static PetscErrorCode FillParts(Vec v, PetscInt seed)
{
  PetscBool nested;
  PetscInt  n;
  Vec      *parts;

  PetscFunctionBeginUser;
  PetscCall(PetscObjectTypeCompare((PetscObject)v, VECNEST, &nested));
  if (!nested) {
    PetscCall(DiniTestFill(v, seed));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecNestGetSubVecs(v, &n, &parts));
  for (PetscInt i = 0; i < n; i++) PetscCall(DiniTestFill(parts[i], seed + i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SaddleCreate(PetscBool snes, PetscBool virtual, PetscBool nested, Saddle *s)
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
  if (nested) PetscCall(MatNestSetVecType(s->A, VECNEST));
  PetscCall(MatCreateVecs(s->A, &s->u, &s->b));
  PetscCall(VecDuplicate(s->u, &s->r));
  PetscCall(FillParts(s->b, 3));
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

/* y = a x in the rows of K, and zero in those of B */
static PetscErrorCode RowsOfK(PetscScalar a, Vec x, Vec y)
{
  PetscBool          nested;
  const PetscScalar *from;
  PetscScalar       *to;
  Vec                x0 = x, y0 = y;

  PetscFunctionBeginUser;
  PetscCall(VecSet(y, 0.0));
  PetscCall(PetscObjectTypeCompare((PetscObject)x, VECNEST, &nested));
  if (nested) PetscCall(VecNestGetSubVec(x, 0, &x0));
  if (nested) PetscCall(VecNestGetSubVec(y, 0, &y0));
  PetscCall(VecGetArrayRead(x0, &from));
  PetscCall(VecGetArray(y0, &to));
  for (PetscInt i = 0; i < NU; i++) to[i] = a * from[i]; /* a rank has its rows of K first */
  PetscCall(VecRestoreArray(y0, &to));
  PetscCall(VecRestoreArrayRead(x0, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A du/dk = -K' u and A d^2u/dk^2 = -2 K' du/dk - K'' u, with K' = 1 + k/5 and K'' = 1/5 on the rows of K and nothing on those
  of B, and the adjoint against the same cotangent
*/
static PetscErrorCode TestDerivatives(Saddle *s, const char what[])
{
  Vec         dm, mbar, du, ddu, ubar, y, part;
  PetscScalar found, right;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(s->dini, s->u));
  PetscCall(DiniCreateParameterVec(s->dini, &dm));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecDuplicate(s->u, &du));
  PetscCall(VecDuplicate(s->u, &ddu));
  PetscCall(VecDuplicate(s->u, &y));
  PetscCall(VecDuplicate(s->u, &part));
  PetscCall(VecDuplicate(s->u, &ubar));
  PetscCall(FillParts(ubar, 7));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(DiniJVP(s->dini, dm, du));
  PetscCall(DiniVJP(s->dini, ubar, mbar));
  PetscCall(MatMult(s->A, du, y));
  PetscCall(RowsOfK(-(1.0 + 0.2 * s->k), s->u, s->r));
  PetscCall(DiniTestVecsClose(y, s->r, 1e-6, what));
  PetscCall(VecDot(du, ubar, &right));
  PetscCall(VecSum(mbar, &found));
  DiniTestClose(PetscRealPart(found), PetscRealPart(right), 1e-6, 0.0, what);
  PetscCall(DiniSecondJVP(s->dini, dm, dm, ddu));
  PetscCall(FillNest(s, s->A));
  PetscCall(MatMult(s->A, ddu, y));
  PetscCall(RowsOfK(-0.2, s->u, s->r));
  PetscCall(RowsOfK(-2.0 * (1.0 + 0.2 * s->k), du, part));
  PetscCall(VecAXPY(s->r, 1.0, part));
  PetscCall(DiniTestVecsClose(y, s->r, 1e-6, what));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ddu));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&part));
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscBool snes, PetscBool virtual, PetscBool nested, const char what[])
{
  Saddle s = {0};

  PetscFunctionBeginUser;
  PetscCall(SaddleCreate(snes, virtual, nested, &s));
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
  for (int nested = 0; nested < 2; nested++) {
    PetscCall(Test(PETSC_FALSE, PETSC_FALSE, (PetscBool)nested, nested ? "type ksp, nested" : "type ksp"));
    PetscCall(Test(PETSC_FALSE, PETSC_TRUE, (PetscBool)nested,
                   nested ? "type ksp, nested, with a virtual transpose" : "type ksp with a virtual transpose"));
    PetscCall(Test(PETSC_TRUE, PETSC_FALSE, (PetscBool)nested, nested ? "type snes, nested" : "type snes"));
    PetscCall(Test(PETSC_TRUE, PETSC_TRUE, (PetscBool)nested,
                   nested ? "type snes, nested, with a virtual transpose" : "type snes with a virtual transpose"));
  }
  PetscCall(PetscFinalize());
  return 0;
}
