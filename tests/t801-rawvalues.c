static char help[] =
    "Values that change without a new object state: the application's own arrays behind u, m, b and bounds, and a number that\n\
is no parameter. A derivative is that of the values of the solve, or an error; an objective is that of the present values.\n";

#include "support/dinitest.h"

#define N 6

/* F = k u - m in every entry, through every type; du/dm = 1/k */
typedef struct {
  DiniType     type;
  PetscBool    vi;
  PetscScalar  k, before;
  Mat          A;
  Vec          u, m, b, lower, upper, F;
  PetscScalar *au, *am, *ab, *al;
  SNES         snes;
  KSP          ksp;
  Dini         dini;
  PetscInt     n;
} Raw;

static PetscErrorCode Relation(Raw *r, Vec u, Vec F)
{
  return VecAXPBYPCZ(F, r->k, -1.0, 0.0, u, r->m);
}

static PetscErrorCode Fill(Raw *r, Mat A)
{
  PetscFunctionBeginUser;
  PetscCall(MatZeroEntries(A));
  PetscCall(MatShift(A, r->k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Relation((Raw *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  (void)P;
  PetscCall(Fill((Raw *)ctx, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Relation((Raw *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)P;
  PetscCall(Fill((Raw *)ctx, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellSolve(Dini dini, Vec u, void *ctx)
{
  Raw *r = (Raw *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecAXPBY(u, 1.0 / r->k, 0.0, r->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u <- u - (k u - m) / 9 */
static PetscErrorCode Map(Dini dini, Vec u, Vec G, void *ctx)
{
  (void)dini;
  return VecAXPBYPCZ(G, 1.0 - ((Raw *)ctx)->k / 9.0, 1.0 / 9.0, 0.0, u, ((Raw *)ctx)->m);
}

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Raw *r = (Raw *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(Fill(r, A));
  PetscCall(VecCopy(r->m, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OwnArray(PetscInt n, PetscScalar value, Vec *v, PetscScalar **a)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, a));
  for (PetscInt i = 0; i < n; i++) (*a)[i] = value;
  PetscCall(VecCreateMPIWithArray(PETSC_COMM_WORLD, 1, n, N, *a, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RawCreate(DiniType type, PetscBool vi, Raw *r)
{
  Vec like;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(r, sizeof(*r)));
  r->type = type;
  r->vi   = vi;
  r->k    = 4.0;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &like));
  PetscCall(VecGetLocalSize(like, &r->n));
  PetscCall(VecDestroy(&like));
  PetscCall(OwnArray(r->n, 0.5, &r->u, &r->au));
  PetscCall(OwnArray(r->n, 8.0, &r->m, &r->am));
  PetscCall(OwnArray(r->n, 8.0, &r->b, &r->ab));
  PetscCall(OwnArray(r->n, -1e3, &r->lower, &r->al));
  PetscCall(VecDuplicate(r->lower, &r->upper));
  PetscCall(VecSet(r->upper, 1e3));
  PetscCall(VecDuplicate(r->u, &r->F)); /* SNESVISetVariableBounds() asks for it */
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, r->n, r->n, N, N, 1, NULL, 0, NULL, &r->A));
  PetscCall(MatDiagonalSet(r->A, r->u, INSERT_VALUES)); /* the pattern */
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  if (!strcmp(type, DINISNES)) {
    PetscCall(SNESCreate(PETSC_COMM_WORLD, &r->snes));
    PetscCall(SNESSetType(r->snes, vi ? SNESVINEWTONRSLS : SNESNEWTONLS));
    PetscCall(SNESSetFunction(r->snes, r->F, Residual, r));
    PetscCall(SNESSetJacobian(r->snes, r->A, r->A, Jacobian, r));
    PetscCall(SNESSetTolerances(r->snes, 1e-13, 1e-12, 0.0, 50, 1000));
    if (vi) PetscCall(SNESVISetVariableBounds(r->snes, r->lower, r->upper));
    PetscCall(DiniSetSNES(r->dini, r->snes));
  } else if (!strcmp(type, DINIKSP)) {
    PetscCall(KSPCreate(PETSC_COMM_WORLD, &r->ksp));
    PetscCall(KSPGetPC(r->ksp, &pc));
    PetscCall(PCSetType(pc, PCJACOBI));
    PetscCall(KSPSetOperators(r->ksp, r->A, r->A));
    PetscCall(KSPSetTolerances(r->ksp, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(DiniSetKSP(r->dini, r->ksp));
    PetscCall(DiniSetLinearSystem(r->dini, r->b, Assemble, r));
  } else if (!strcmp(type, DINIFIXEDPOINT)) PetscCall(DiniSetFixedPoint(r->dini, Map, r));
  else {
    PetscCall(DiniSetType(r->dini, DINISHELL));
    PetscCall(DiniSetResidual(r->dini, ShellResidual, r));
    PetscCall(DiniSetJacobian(r->dini, r->A, NULL, ShellJacobian, r));
    PetscCall(DiniSetSolve(r->dini, ShellSolve, r));
  }
  PetscCall(DiniAddParameter(r->dini, "m", r->m, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RawDestroy(Raw *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(SNESDestroy(&r->snes));
  PetscCall(KSPDestroy(&r->ksp));
  PetscCall(MatDestroy(&r->A));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->m));
  PetscCall(VecDestroy(&r->b));
  PetscCall(VecDestroy(&r->lower));
  PetscCall(VecDestroy(&r->upper));
  PetscCall(VecDestroy(&r->F));
  PetscCall(PetscFree(r->au));
  PetscCall(PetscFree(r->am));
  PetscCall(PetscFree(r->ab));
  PetscCall(PetscFree(r->al));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What PETSc sees nothing of: the last entry, by the rank that has it; zero puts back what was there before */
static void Write(Raw *r, PetscScalar *a, PetscScalar add)
{
  PetscMPIInt rank, size;

  (void)MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  (void)MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (rank != size - 1) return;
  if (add != 0.0) r->before = a[r->n - 1];
  a[r->n - 1] = r->before + add;
}

static PetscErrorCode ExpectVJP(Raw *r, const char what[])
{
  Vec v, w, e;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(r->u, 3, &v));
  PetscCall(VecDuplicate(r->u, &e));
  PetscCall(DiniCreateParameterVec(r->dini, &w));
  PetscCall(DiniVJP(r->dini, v, w));
  PetscCall(VecAXPBY(e, 1.0 / r->k, 0.0, v));
  PetscCall(DiniTestVecsClose(w, e, 1e-8, what));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Raw writes before the first derivative, or after one */
static PetscErrorCode TestRaw(DiniType type, PetscBool vi, PetscBool derived)
{
  Raw r;
  Vec v, w;
  Mat D;

  PetscFunctionBeginUser;
  PetscCall(RawCreate(type, vi, &r));
  PetscCall(VecDuplicate(r.u, &v));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniSolve(r.dini, r.u));
  if (derived) PetscCall(ExpectVJP(&r, "before any write"));
  PetscCall(DiniCreateDerivative(r.dini, DINI_ALL_PARAMETERS, &D));
  Write(&r, r.au, 1.0);
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "The state u");
  DiniTestExpect(DiniJVP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "The state u");
  if (derived) { /* pinned: it has values of its own to go back to */
    PetscCall(MatMultTranspose(D, v, w));
    PetscCall(VecScale(w, r.k));
    PetscCall(DiniTestVecsClose(w, v, 1e-8, "pinned, after a write to u"));
    PetscCall(DiniSolve(r.dini, r.u));
  } else Write(&r, r.au, 0.0);
  PetscCall(ExpectVJP(&r, "u put back"));
  Write(&r, r.am, 1.0);
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "Parameter \"m\"");
  DiniTestExpect(DiniJVP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "Parameter \"m\"");
  Write(&r, r.am, 0.0);
  PetscCall(ExpectVJP(&r, "m put back"));
  if (!strcmp(type, DINIKSP)) {
    Write(&r, r.ab, 1.0);
    DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "The right-hand side b");
    Write(&r, r.ab, 0.0);
    PetscCall(ExpectVJP(&r, "b put back"));
  }
  if (vi) {
    Write(&r, r.al, 1.0);
    DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "The lower bound");
    Write(&r, r.al, 0.0);
    PetscCall(ExpectVJP(&r, "the bound put back"));
  }
  PetscCall(MatDestroy(&D));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RawDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state whose array has been placed there */
static PetscErrorCode TestPlaced(DiniType type)
{
  Raw          r;
  Vec          v, w;
  PetscScalar *array;

  PetscFunctionBeginUser;
  PetscCall(RawCreate(type, PETSC_FALSE, &r));
  PetscCall(VecDuplicate(r.u, &v));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(VecSet(v, 1.0));
  PetscCall(PetscMalloc1(r.n + 1, &array));
  for (PetscInt i = 0; i < r.n; i++) array[i] = 0.5;
  PetscCall(VecPlaceArray(r.u, array));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(ExpectVJP(&r, "a placed array"));
  Write(&r, array, 1e-3);
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "The state u");
  PetscCall(VecResetArray(r.u));
  DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "The state u");
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(ExpectVJP(&r, "the array taken away"));
  PetscCall(PetscFree(array));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RawDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number that is no parameter, and another one after the solve */
static PetscErrorCode TestNumber(DiniType type, PetscBool vi)
{
  Raw r;
  Vec v, w;

  PetscFunctionBeginUser;
  PetscCall(RawCreate(type, vi, &r));
  PetscCall(VecDuplicate(r.u, &v));
  PetscCall(VecDuplicate(r.u, &w));
  PetscCall(VecSet(v, 1.0));
  for (int k = 0; k < (!strcmp(type, DINIKSP) ? 1 : 3); k++) {
    PetscCall(DiniSolve(r.dini, r.u));
    r.k *= 1.25;
    DiniTestExpect(DiniVJP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "no solution any more");
    DiniTestExpect(DiniJVP(r.dini, v, w), PETSC_ERR_ARG_WRONGSTATE, "no solution any more");
    PetscCall(DiniSolve(r.dini, r.u));
    PetscCall(ExpectVJP(&r, "another number, and another solve"));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(RawDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- An objective's last value ---- */

static PetscErrorCode Objective(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscScalar sum;

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecSum(u, &sum));
  *value = PetscRealPart(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecSet(dJdu, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gradient: value and gradient are asked for, which takes the last state too */
static PetscErrorCode TestObjective(DiniType type, PetscBool gradient)
{
  Raw            r;
  Vec            flat, g;
  PetscReal      value;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(RawCreate(type, PETSC_FALSE, &r));
  PetscCall(DiniSetState(r.dini, r.u));
  PetscCall(DiniSetObjective(r.dini, Objective, ObjectiveGradient, &r));
  PetscCall(DiniCreateParameterVec(r.dini, &flat));
  PetscCall(VecDuplicate(flat, &g));
  for (int k = 0; k < 4; k++) {
    if (k == 1) Write(&r, r.au, 1.0);
    if (k == 2) Write(&r, r.am, 1.0); /* of the block's own Vec: flat is what counts */
    if (k == 3) r.k = 2.0;
    if (gradient) {
      PetscCall(DiniComputeObjectiveAndGradient(r.dini, flat, &value, g));
      PetscCall(VecScale(g, r.k));
      PetscCall(VecShift(g, -1.0));
      PetscCall(VecNorm(g, NORM_INFINITY, &value));
      DiniTestTrue(value < 1e-8, "Step %d: the gradient is off by a relative %g", k, (double)value);
    } else {
      PetscCall(DiniComputeObjective(r.dini, flat, &value));
      DiniTestClose(value, 8.0 * N / PetscRealPart(r.k), 1e-9, 0.0, "objective");
    }
  }
  if (!gradient) { /* and where nothing has changed nothing is solved */
    PetscCall(DiniResetStatistics(r.dini));
    PetscCall(DiniComputeObjective(r.dini, flat, &value));
    PetscCall(DiniGetStatistics(r.dini, &s));
    DiniTestCount(s.forward_solves, 0, "solves for a value that is known");
  }
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&g));
  PetscCall(RawDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const DiniType types[] = {DINISNES, DINIKSP, DINIFIXEDPOINT, DINISHELL};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(types); i++) {
    PetscCall(TestRaw(types[i], PETSC_FALSE, PETSC_FALSE));
    PetscCall(TestRaw(types[i], PETSC_FALSE, PETSC_TRUE));
    PetscCall(TestNumber(types[i], PETSC_FALSE));
    PetscCall(TestObjective(types[i], PETSC_FALSE));
    PetscCall(TestObjective(types[i], PETSC_TRUE));
  }
  PetscCall(TestPlaced(DINISNES));
  PetscCall(TestRaw(DINISNES, PETSC_TRUE, PETSC_FALSE));
  PetscCall(TestRaw(DINISNES, PETSC_TRUE, PETSC_TRUE));
  PetscCall(TestNumber(DINISNES, PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
