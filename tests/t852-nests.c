static char help[] = "States and blocks that are VECNEST: the derivatives of the same relation on plain vectors.\n";

#include "support/fields.h"

/* Gradients and tangents are those of the twin */
static PetscErrorCode TestProducts(Fields *d)
{
  Vec ubar, ubarplain, g, gplain, du, duplain;

  PetscFunctionBeginUser;
  PetscCall(FieldsVec(d, 7, &ubar, &ubarplain));
  PetscCall(DiniCreateParameterVec(d->dini, &g));
  PetscCall(DiniCreateParameterVec(d->plain, &gplain));
  PetscCall(DiniVJP(d->dini, ubar, g));
  PetscCall(DiniVJP(d->plain, ubarplain, gplain));
  PetscCall(DiniTestVecsClose(g, gplain, 1e-7, "gradient"));
  PetscCall(VecDuplicate(d->u, &du));
  PetscCall(VecDuplicate(d->uplain, &duplain));
  PetscCall(DiniJVP(d->plain, g, duplain));
  PetscCall(DiniJVP(d->dini, g, du));
  PetscCall(DiniTestDotProduct(d->plain, 1e-7));
  /* norms tell the tangents apart as well as entries would: DiniTestVecsClose() is for equal types */
  {
    const PetscScalar *a;
    PetscScalar       *b;
    PetscInt           n;

    PetscCall(VecGetLocalSize(du, &n));
    PetscCall(VecGetArrayRead(du, &a));
    PetscCall(VecGetArray(ubarplain, &b));
    PetscCall(PetscArraycpy(b, a, n));
    PetscCall(VecRestoreArray(ubarplain, &b));
    PetscCall(VecRestoreArrayRead(du, &a));
  }
  PetscCall(DiniTestVecsClose(ubarplain, duplain, 1e-7, "tangent"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&ubarplain));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&gplain));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&duplain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The block's part of a flat vector is a nest again, and what is written into it arrives */
static PetscErrorCode TestParts(Fields *d)
{
  Vec         flat, other, part, mp[2];
  PetscScalar dot;
  PetscReal   norm;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(d->dini, &flat));
  PetscCall(VecDuplicate(flat, &other));
  PetscCall(VecCopy(flat, other));
  PetscCall(DiniGetParameterSubVec(d->dini, flat, 0, &part));
  PetscCall(VecAXPY(part, -1.0, d->m));
  PetscCall(VecNorm(part, NORM_INFINITY, &norm));
  DiniTestTrue(norm == 0.0, "the part differs from the block by %g", (double)norm);
  PetscCall(FieldsParts(part, mp));
  PetscCall(VecSet(mp[1], 2.0));
  PetscCall(DiniRestoreParameterSubVec(d->dini, flat, 0, &part));
  PetscCall(DiniGetParameterSubVec(d->dini, flat, 0, &part));
  PetscCall(VecDot(part, part, &dot));
  DiniTestClose(PetscRealPart(dot), 4.0 * 5.0, 1e-12, 0.0, "what has been written into the part");
  PetscCall(DiniRestoreParameterSubVec(d->dini, flat, 0, &part));
  PetscCall(DiniSetParameters(d->dini, other));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Vec       part[2];
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(FieldsParts(u, part));
  PetscCall(VecNorm(part[1], NORM_2, &norm));
  *value = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Vec part[2], bar[2];

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(FieldsParts(u, part));
  PetscCall(FieldsParts(dJdu, bar));
  PetscCall(VecSet(bar[0], 0.0));
  PetscCall(VecCopy(part[1], bar[1]));
  PetscCall(VecSet(dJdm, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Block forms against single ones; the objective's callbacks get nests */
static PetscErrorCode TestBlocks(Fields *d)
{
  Mat       G, U;
  Vec       m, g, column, du;
  PetscInt  n, N, l, L;
  PetscReal values[2];

  PetscFunctionBeginUser;
  PetscCall(DiniSetState(d->dini, d->u));
  PetscCall(DiniSetObjective(d->dini, Value, Gradient, NULL));
  for (int i = 0; i < 2; i++) PetscCall(DiniAddObjective(d->dini, i ? "b" : "a", Value, Gradient, NULL, NULL));
  PetscCall(DiniCreateParameterVec(d->dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecGetLocalSize(m, &n));
  PetscCall(VecGetSize(m, &N));
  PetscCall(VecGetLocalSize(d->u, &l));
  PetscCall(VecGetSize(d->u, &L));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &G));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, l, PETSC_DECIDE, L, 2, NULL, &U));
  PetscCall(DiniComputeObjectiveAndGradient(d->dini, m, values, g));
  PetscCall(DiniComputeObjectives(d->dini, m, values, G));
  PetscCall(VecDuplicate(m, &column));
  PetscCall(MatGetColumnVector(G, column, 1));
  PetscCall(DiniTestVecsClose(column, g, 1e-8, "one of several gradients"));
  PetscCall(DiniMatJVP(d->dini, G, U));
  PetscCall(VecDuplicate(d->u, &du));
  PetscCall(DiniJVP(d->dini, g, du));
  PetscCall(VecDestroy(&column));
  PetscCall(VecDuplicate(d->uplain, &column));
  PetscCall(MatGetColumnVector(U, column, 1));
  PetscCall(VecNorm(column, NORM_2, &values[0]));
  PetscCall(VecNorm(du, NORM_2, &values[1]));
  DiniTestClose(values[0], values[1], 1e-8, 0.0, "tangent by blocks");
  PetscCall(MatDestroy(&G));
  PetscCall(MatDestroy(&U));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One shape where another one is meant is named */
static PetscErrorCode TestMisuse(Fields *d)
{
  Vec flat, x;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(d->dini, &flat));
  DiniTestExpect(DiniVJP(d->dini, d->uplain, flat), PETSC_ERR_ARG_WRONG, "The cotangent ubar");
  PetscCall(DiniSetParameterActive(d->dini, 1, PETSC_FALSE));
  PetscCall(DiniSolve(d->dini, d->u));
  PetscCall(VecDuplicate(d->u, &x));
  DiniTestExpect(DiniVJP(d->dini, x, d->m), PETSC_ERR_ARG_WRONG, "DiniCreateParameterVec()");
  DiniTestExpect(DiniSolve(d->dini, d->uplain), PETSC_ERR_ARG_WRONG, "The state u");
  PetscCall(DiniSetParameterActive(d->dini, 1, PETSC_TRUE));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A right-hand side that is a nest is a block without code */
static PetscErrorCode TestRHS(Fields *d)
{
  Vec       b, flat, part, lambda, ubar;
  PetscReal norm, size;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(d->u, &b));
  PetscCall(VecDuplicate(d->u, &ubar));
  PetscCall(VecDuplicate(d->u, &lambda));
  PetscCall(VecSet(b, 0.125));
  PetscCall(VecCopy(d->m, ubar));
  PetscCall(DiniSetRHS(d->dini, b));
  PetscCall(DiniAddParameter(d->dini, "b", b, NULL));
  PetscCall(DiniSolve(d->dini, d->u));
  PetscCall(DiniCreateParameterVec(d->dini, &flat));
  PetscCall(DiniVJP(d->dini, ubar, flat));
  PetscCall(DiniAdjointSolve(d->dini, ubar, lambda));
  PetscCall(DiniGetParameterSubVec(d->dini, flat, 2, &part));
  PetscCall(VecAXPY(lambda, -1.0, part));
  PetscCall(VecNorm(lambda, NORM_INFINITY, &norm));
  PetscCall(VecNorm(part, NORM_INFINITY, &size));
  DiniTestTrue(norm <= 1e-8 * size && size > 0.0, "F_b: %g of %g", (double)norm, (double)size);
  PetscCall(DiniRestoreParameterSubVec(d->dini, flat, 2, &part));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Fields      d;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (int kind = 0; kind<NEST_MAX; kind += size> 1 ? 1 : 2) { /* -malloc_debug is slow on one rank */
    PetscCall(FieldsCreate((FieldsKind)kind, &d));
    PetscCall(TestProducts(&d));
    PetscCall(TestParts(&d));
    if (kind != NEST_NESTED) PetscCall(TestBlocks(&d));
    if (kind != NEST_SHELL) PetscCall(TestMisuse(&d));
    if (kind == NEST_MATRIX) PetscCall(TestRHS(&d));
    PetscCall(FieldsDestroy(&d));
  }
  PetscCall(PetscFinalize());
  return 0;
}
