#include "fixedmap.h"

static PetscErrorCode FillM(Mat M, FixedMapKind kind, PetscReal s)
{
  const PetscScalar phase = DiniTestScalar(1.0, 0.0) * PetscExpScalar(DiniTestScalar(0.0, 0.7));
  PetscInt          N, first, last;

  PetscFunctionBeginUser;
  PetscCall(MatGetSize(M, &N, NULL));
  PetscCall(MatGetOwnershipRange(M, &first, &last));
  for (PetscInt i = first; i < last; i++) {
    const PetscInt left = i - 1, right = i + 1, mate = i % 2 ? i - 1 : i + 1;

    switch (kind) {
    case FIXEDMAP_SYMMETRIC:
      PetscCall(MatSetValue(M, i, i, 0.0, INSERT_VALUES));
      if (left >= 0) PetscCall(MatSetValue(M, i, left, 0.5 * s * phase, INSERT_VALUES));
      if (right < N) PetscCall(MatSetValue(M, i, right, 0.5 * s * phase, INSERT_VALUES));
      break;
    case FIXEDMAP_NONNORMAL:
      PetscCall(MatSetValue(M, i, i, s * (1.0 - 0.5 * (PetscReal)i / (PetscReal)N) * phase, INSERT_VALUES));
      if (right < N) PetscCall(MatSetValue(M, i, right, phase, INSERT_VALUES));
      break;
    case FIXEDMAP_ROTATION:
      PetscCall(MatSetValue(M, i, i, (mate < N ? 0.6 : 1.0) * s * phase, INSERT_VALUES));
      if (mate < N) PetscCall(MatSetValue(M, i, mate, (i % 2 ? 0.8 : -0.8) * s * phase, INSERT_VALUES));
      break;
    case FIXEDMAP_NILPOTENT:
      if (right < N) PetscCall(MatSetValue(M, i, right, s * phase, INSERT_VALUES));
      break;
    }
  }
  PetscCall(MatAssemblyBegin(M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(M, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A diagonal matrix of the layout of u */
static PetscErrorCode CreateDiagonal(Vec like, Mat *A)
{
  PetscInt n, first, last;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(like, &n));
  PetscCall(VecGetOwnershipRange(like, &first, &last));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, A));
  for (PetscInt i = first; i < last; i++) PetscCall(MatSetValue(*A, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapCreate(PetscInt N, FixedMapKind kind, PetscReal s, PetscReal c, FixedMap *f)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(f, sizeof(*f)));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &f->M));
  PetscCall(FillM(f->M, kind, s));
  f->c = c == 0.0 ? 0.0 : DiniTestScalar(c, 0.3 * c);
  PetscCall(MatCreateVecs(f->M, &f->u, &f->m));
  PetscCall(VecDuplicate(f->u, &f->d));
  PetscCall(DiniTestFill(f->m, 610));
  PetscCall(VecScale(f->m, 0.3));
  PetscCall(MatDuplicate(f->M, MAT_DO_NOT_COPY_VALUES, &f->Gu));
  if (c != 0.0) { /* the diagonal that sin(u) needs */
    PetscCall(MatSetOption(f->Gu, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
    PetscCall(MatShift(f->Gu, 1.0));
  }
  PetscCall(CreateDiagonal(f->u, &f->Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapDestroy(FixedMap *f)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&f->dini));
  PetscCall(MatDestroy(&f->M));
  PetscCall(MatDestroy(&f->Gu));
  PetscCall(MatDestroy(&f->Fm));
  PetscCall(VecDestroy(&f->u));
  PetscCall(VecDestroy(&f->m));
  PetscCall(VecDestroy(&f->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = c sin(u) or c cos(u) */
static PetscErrorCode Sine(FixedMap *f, Vec u, PetscBool cosine)
{
  const PetscScalar *a;
  PetscScalar       *d;
  PetscInt           n;

  PetscFunctionBeginUser;
  PetscCall(VecSet(f->d, 0.0));
  if (f->c == 0.0) PetscFunctionReturn(PETSC_SUCCESS); /* the sine of what has diverged is NaN */
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArray(f->d, &d));
  for (PetscInt i = 0; i < n; i++) d[i] = f->c * (cosine ? PetscCosScalar(a[i]) : PetscSinScalar(a[i]));
  PetscCall(VecRestoreArray(f->d, &d));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapMap(Dini dini, Vec u, Vec G, void *ctx)
{
  FixedMap *f = (FixedMap *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  f->maps++;
  PetscCall(MatMult(f->M, u, G));
  PetscCall(Sine(f, u, PETSC_FALSE));
  PetscCall(VecAXPBYPCZ(G, 1.0, 1.0, 1.0, f->d, f->m));
  PetscCall(VecPointwiseMult(f->d, f->m, f->m));
  PetscCall(VecAXPY(G, 0.25, f->d));
  PetscCall(FaultInject(f->map, G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapResidual(FixedMap *f, Vec u, Vec F)
{
  PetscFunctionBeginUser;
  PetscCall(FixedMapMap(NULL, u, F, f));
  PetscCall(VecAYPX(F, -1.0, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapProduct(Dini dini, Vec u, Vec x, Vec y, void *ctx)
{
  FixedMap *f = (FixedMap *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  f->products++;
  PetscCall(Sine(f, u, PETSC_TRUE));
  PetscCall(VecPointwiseMult(f->d, f->d, x));
  PetscCall(MatMultAdd(f->M, x, f->d, y));
  PetscCall(FaultInject(f->product, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapAdjoint(Dini dini, Vec u, Vec x, Vec y, void *ctx)
{
  FixedMap *f = (FixedMap *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  f->adjoints++;
  PetscCall(Sine(f, u, PETSC_TRUE));
  PetscCall(VecConjugate(f->d));
  PetscCall(VecPointwiseMult(f->d, f->d, x));
  PetscCall(MatMultHermitianTranspose(f->M, x, y));
  PetscCall(VecAXPY(y, 1.0, f->d));
  PetscCall(FaultInject(f->adjoint, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapFill(FixedMap *f, Vec u, Mat Gu)
{
  PetscFunctionBeginUser;
  PetscCall(MatZeroEntries(Gu));
  PetscCall(MatAXPY(Gu, 1.0, f->M, f->c == 0.0 ? SAME_NONZERO_PATTERN : SUBSET_NONZERO_PATTERN));
  PetscCall(Sine(f, u, PETSC_TRUE));
  if (f->c != 0.0) PetscCall(MatDiagonalSet(Gu, f->d, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapMatrix(Dini dini, Vec u, Mat Gu, void *ctx)
{
  FixedMap *f = (FixedMap *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  f->fills++;
  PetscCall(FixedMapFill(f, u, Gu));
  PetscCall(FaultInjectMat(f->fill, Gu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapJacobian(FixedMap *f, Vec u, Mat *J)
{
  PetscFunctionBeginUser;
  PetscCall(CreateDiagonal(u, J)); /* the identity */
  PetscCall(MatAXPY(*J, -1.0, f->M, DIFFERENT_NONZERO_PATTERN));
  PetscCall(Sine(f, u, PETSC_TRUE));
  PetscCall(VecScale(f->d, -1.0));
  PetscCall(MatDiagonalSet(*J, f->d, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFm(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  FixedMap *f = (FixedMap *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  PetscCall(VecCopy(m, f->d));
  PetscCall(VecScale(f->d, -0.5));
  PetscCall(VecShift(f->d, -1.0));
  PetscCall(MatDiagonalSet(Fm, f->d, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By factorisations that Dini never sees */
PetscErrorCode FixedMapReference(FixedMap *f, Vec dm, Vec du, Vec ubar, Vec mbar)
{
  Mat J, Fm;

  PetscFunctionBeginUser;
  PetscCall(FixedMapJacobian(f, f->u, &J));
  PetscCall(CreateDiagonal(f->u, &Fm));
  PetscCall(FillFm(NULL, f->u, f->m, Fm, f));
  if (du) PetscCall(DiniTestReferenceJVP(J, Fm, dm, du));
  PetscCall(DiniTestReferenceVJP(J, Fm, ubar, mbar));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapNewton(Dini dini, Vec u, void *ctx)
{
  FixedMap *f = (FixedMap *)ctx;
  Vec       F, step;
  Mat       J;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &F));
  PetscCall(VecDuplicate(u, &step));
  for (PetscInt k = 0; k < (f->c == 0.0 ? 2 : 12); k++) {
    PetscCall(FixedMapResidual(f, u, F));
    PetscCall(FixedMapJacobian(f, u, &J));
    PetscCall(DiniTestDirectSolve(J, PETSC_FALSE, F, step));
    PetscCall(VecAXPY(u, -1.0, step));
    PetscCall(MatDestroy(&J));
  }
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FixedMapDini(FixedMap *f, DiniFixedPointDerivative derivative)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &f->dini));
  PetscCall(DiniSetFixedPoint(f->dini, FixedMapMap, f));
  if (derivative == DINI_FIXEDPOINT_OPERATOR)
    PetscCall(DiniSetFixedPointOperator(f->dini, FixedMapProduct, FixedMapAdjoint, f));
  if (derivative == DINI_FIXEDPOINT_MATRIX) PetscCall(DiniSetFixedPointJacobian(f->dini, f->Gu, FixedMapMatrix, f));
  if (derivative == DINI_FIXEDPOINT_COLORING) {
    PetscCall(FixedMapFill(f, f->u, f->Gu));
    PetscCall(DiniSetFixedPointJacobian(f->dini, f->Gu, NULL, NULL));
  }
  PetscCall(DiniAddParameter(f->dini, "m", f->m, &f->p));
  PetscCall(DiniSetParameterJacobian(f->dini, f->p, f->Fm, FillFm, f));
  PetscCall(DiniSetFromOptions(f->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
