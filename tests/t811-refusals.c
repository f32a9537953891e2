static char help[] =
    "Calls that can not be served from inside a callback are refused there, and leave the outer call as it was.\n";

#include "support/fixtures.h"

/* What a callback tries, and where */
typedef enum { NOWHERE, RESIDUAL, UPDATE, MONITOR, ASSEMBLY } Where;

typedef struct {
  Cubic     c;
  Where     where;
  int       what;
  PetscBool passes; /* its error goes on to the caller */
  PetscInt  tried, refused;
  Vec       v, m; /* layouts of state and block */
} Trouble;

enum {
  SOLVE,
  ATTACH,
  RESET,
  DESTROY,
  TYPE,
  SETRESIDUAL,
  SETJACOBIAN,
  PARAMETERS,
  ACTIVE,
  OPTIONS,
  STATE,
  CHECK,
  ADD,
  NMOVES,
  TAKEVJP = NMOVES,
  TAKEJVP,
  TAKEJACOBIAN,
  NCALLS
};

static PetscErrorCode Do(Trouble *t, int what)
{
  Dini dini = t->c.dini, copy = dini;
  Mat  J;

  PetscFunctionBeginUser;
  switch (what) {
  case SOLVE:
    return DiniSolve(dini, t->v);
  case ATTACH:
    return DiniAttach(dini, t->v);
  case RESET:
    return DiniReset(dini);
  case DESTROY:
    return DiniDestroy(&copy);
  case TYPE:
    return DiniSetType(dini, DINIKSP);
  case SETRESIDUAL:
    return DiniSetResidual(dini, NULL, NULL);
  case SETJACOBIAN:
    return DiniSetJacobian(dini, t->c.S, NULL, NULL, NULL);
  case PARAMETERS:
    return DiniSetParameters(dini, t->m);
  case ACTIVE:
    return DiniSetParameterActive(dini, 0, PETSC_FALSE);
  case OPTIONS:
    return DiniSetFromOptions(dini);
  case STATE:
    return DiniSetState(dini, t->v);
  case CHECK:
    return DiniCheck(dini, NULL);
  case ADD:
    return DiniAddParameter(dini, "late", t->m, NULL);
  case TAKEVJP:
    return DiniVJP(dini, t->v, t->m);
  case TAKEJVP:
    return DiniJVP(dini, t->m, t->v);
  default:
    return DiniGetJacobian(dini, &J, NULL);
  }
}

static PetscErrorCode Try(Trouble *t, Where where)
{
  PetscErrorCode failed;
  int            depth;

  PetscFunctionBeginUser;
  if (where != t->where) PetscFunctionReturn(PETSC_SUCCESS);
  t->tried++;
  depth = DiniTestStackDepth();
  if (!t->passes) PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = Do(t, t->what);
  if (!t->passes) DiniTestStackRestore(depth);
  if (!t->passes) PetscCall(PetscPopErrorHandler());
  if (failed == PETSC_ERR_ARG_WRONGSTATE) t->refused++;
  PetscFunctionReturn(t->passes ? failed : PETSC_SUCCESS);
}

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(CubicResidual(&((Trouble *)ctx)->c, u, F));
  PetscCall(Try((Trouble *)ctx, RESIDUAL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(CubicJacobian(&((Trouble *)ctx)->c, u, J));
  PetscCall(Try((Trouble *)ctx, ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Update(Dini dini, Vec m, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(CubicUpdate(dini, m, &((Trouble *)ctx)->c));
  PetscCall(Try((Trouble *)ctx, UPDATE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)operation;
  (void)its;
  (void)rnorm;
  PetscCall(Try((Trouble *)ctx, MONITOR));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient with something tried on the way: right, whatever it is; and an error where the callback passes it on */
static PetscErrorCode TestOne(Trouble *t, Where where, int what, Vec ubar, Vec mbar, Vec ref)
{
  PetscErrorCode failed = PETSC_SUCCESS;
  PetscBool      served = (PetscBool)(where == MONITOR && what >= NMOVES);

  PetscFunctionBeginUser;
  t->where = where;
  t->what  = what;
  t->tried = t->refused = 0;
  PetscCall(VecSet(t->c.u, 0.9));
  PetscCall(DiniSolve(t->c.dini, t->c.u));
  PetscCall(DiniVJP(t->c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, "VJP with a call from inside"));
  DiniTestTrue(t->tried > 0, "The callback %d was not called", (int)where);
  DiniTestCount(t->refused, served ? 0 : t->tried, "calls from inside that were refused");
  if (!served) {
    t->passes = PETSC_TRUE;
    PetscCall(DiniTestCatch());
    failed = DiniSolve(t->c.dini, t->c.u);
    if (!failed) failed = DiniVJP(t->c.dini, ubar, mbar);
    PetscCall(DiniTestCaught(failed, PETSC_ERR_ARG_WRONGSTATE, "has been called from inside", "a call from inside",
                             __FILE__, __LINE__));
    t->passes = PETSC_FALSE;
  }
  t->where = NOWHERE;
  PetscCall(VecSet(t->c.u, 0.9));
  PetscCall(DiniSolve(t->c.dini, t->c.u));
  PetscCall(DiniVJP(t->c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-8, "VJP after it"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRefusals(void)
{
  const Where wheres[] = {RESIDUAL, UPDATE, MONITOR, ASSEMBLY};
  Trouble     t;
  Vec         ubar, mbar, ref;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(&t, sizeof(t)));
  PetscCall(CubicCreate(5, DiniTestScalar(0.5, 0.2), &t.c));
  PetscCall(CubicDini(&t.c, DINISHELL, DINIPARAMETERMATRIX));
  PetscCall(DiniSetResidual(t.c.dini, Residual, &t));
  PetscCall(DiniSetJacobian(t.c.dini, t.c.J, NULL, Jacobian, &t));
  PetscCall(DiniSetParameterUpdate(t.c.dini, t.c.p, Update, &t));
  PetscCall(DiniMonitorSet(t.c.dini, Monitor, &t, NULL));
  PetscCall(DiniTestVec(t.c.u, 7, &ubar));
  PetscCall(DiniTestVec(t.c.u, 8, &t.v));
  PetscCall(DiniTestVec(t.c.m, 9, &t.m));
  PetscCall(VecDuplicate(t.c.m, &mbar));
  PetscCall(VecDuplicate(t.c.m, &ref));
  PetscCall(VecSet(t.c.u, 0.9));
  PetscCall(DiniSolve(t.c.dini, t.c.u));
  PetscCall(DiniVJP(t.c.dini, ubar, ref));
  for (size_t w = 0; w < PETSC_STATIC_ARRAY_LENGTH(wheres); w++)
    for (int what = 0; what < NCALLS; what++) {
      if (wheres[w] != MONITOR && what % 3 && what != TAKEVJP) continue; /* a sample */
      PetscCall(TestOne(&t, wheres[w], what, ubar, mbar, ref));
    }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&ref));
  PetscCall(VecDestroy(&t.v));
  PetscCall(VecDestroy(&t.m));
  PetscCall(CubicDestroy(&t.c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- A monitor that writes to what the call rests on, or fails on one rank ---- */

typedef struct {
  Vec         v;
  PetscMPIInt fails; /* rank */
} Writer;

static PetscErrorCode Write(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Writer     *w = (Writer *)ctx;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  (void)dini;
  (void)its;
  (void)rnorm;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (w->fails == rank) PetscFunctionReturn(PETSC_ERR_USER);
  if (operation == DINI_OPERATION_ADJOINT && w->v) PetscCall(VecShift(w->v, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestWriters(void)
{
  Cubic       c;
  Writer      w = {.fails = -1};
  Vec         ubar, mbar;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERFD));
  PetscCall(DiniMonitorSet(c.dini, Write, &w, NULL));
  PetscCall(DiniTestVec(c.u, 7, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  w.v = c.m;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "Parameter \"m\" has been changed");
  w.v = NULL;
  PetscCall(DiniSolve(c.dini, c.u));
  w.v = c.u;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONGSTATE, "The state u has been changed");
  w.v     = NULL;
  w.fails = size - 1;
  DiniTestExpect(DiniSolve(c.dini, c.u), PETSC_ERR_USER, "A monitor");
  w.fails = -1;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRefusals());
  PetscCall(TestWriters());
  PetscCall(PetscFinalize());
  return 0;
}
