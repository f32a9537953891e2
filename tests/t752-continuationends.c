static char help[] =
    "Continuation: steps that fail, callbacks that fail, what is refused, and the other ways in which a path ends.\n";

#include "support/dinitest.h"

/*
  u_0^2 = m where `root` is false, so that there is a fold at m = 0, else u_0 = sqrt(m); the others (2 + i) u_i = m + field_i.
  The residual reads `seen`, which an update callback fills from a Vec of one entry.
*/
typedef struct {
  Mat         J;
  Vec         u, w, m, field;
  SNES        snes;
  Dini        dini;
  PetscScalar seen;
  PetscBool   root;
  PetscReal   wall; /* the residual raises an error below this value of m, or has NaN in it */
  PetscBool   nan;
  PetscInt    steps;
  PetscReal   last;
} Problem;

static PetscErrorCode Update(Dini dini, Vec m, void *ctx)
{
  Problem *a = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecSum(m, &a->seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem           *a = (Problem *)ctx;
  const PetscScalar *x, *s;
  PetscScalar       *f;
  PetscInt           lo, hi;
  const PetscBool    behind = (PetscBool)(PetscRealPart(a->seen) < a->wall);

  PetscFunctionBeginUser;
  (void)snes;
  PetscCheck(!behind || a->nan, PETSC_COMM_WORLD, PETSC_ERR_USER, "The residual has run into its wall");
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArrayRead(a->field, &s));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = lo; i < hi; i++) f[i - lo] = (PetscReal)(2 + i) * x[i - lo] - a->seen - s[i - lo];
  if (lo == 0 && hi > 0) {
    f[0] = a->root ? x[0] - PetscSqrtScalar(a->seen) : x[0] * x[0] - a->seen;
    if (behind) f[0] = NAN;
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(a->field, &s));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Problem           *a = (Problem *)ctx;
  const PetscScalar *x;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes;
  (void)P;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &x));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(MatSetValue(J, i, i, i ? (PetscScalar)(PetscReal)(2 + i) : a->root ? 1.0 : 2.0 * x[0], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscReal m, Problem *a)
{
  const PetscInt N = 3;
  PetscMPIInt    rank;
  KSP            ksp;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(a, sizeof(*a)));
  a->wall = -1e10;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &a->J));
  PetscCall(MatCreateVecs(a->J, &a->u, &a->w));
  PetscCall(VecSet(a->u, 1.0));
  PetscCall(VecDuplicate(a->u, &a->field));
  PetscCall(VecSet(a->field, 0.5));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &a->m));
  PetscCall(VecSetSizes(a->m, rank == 0 ? 1 : 0, 1));
  PetscCall(VecSetType(a->m, VECSTANDARD));
  PetscCall(VecSet(a->m, m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &a->snes));
  PetscCall(SNESSetFunction(a->snes, a->w, Residual, a));
  PetscCall(SNESSetJacobian(a->snes, a->J, a->J, Jacobian, a));
  PetscCall(SNESSetTolerances(a->snes, 1e-13, 1e-13, 1e-13, 15, PETSC_DEFAULT));
  PetscCall(SNESGetKSP(a->snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(SNESSetFromOptions(a->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &a->dini));
  PetscCall(DiniSetSNES(a->dini, a->snes));
  PetscCall(DiniAddParameter(a->dini, "field", a->field, NULL)); /* another active block beside */
  PetscCall(DiniAddParameter(a->dini, "m", a->m, NULL));
  PetscCall(DiniSetParameterUpdate(a->dini, 1, Update, a));
  PetscCall(DiniSetFromOptions(a->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Problem *a)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&a->dini));
  PetscCall(SNESDestroy(&a->snes));
  PetscCall(MatDestroy(&a->J));
  PetscCall(VecDestroy(&a->u));
  PetscCall(VecDestroy(&a->w));
  PetscCall(VecDestroy(&a->m));
  PetscCall(VecDestroy(&a->field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m, what the residual reads and u belong together, and the other block is what it was; m is the value on all ranks. */
static PetscErrorCode Consistent(Problem *a, PetscReal *m)
{
  PetscScalar value;
  PetscReal   lowest, highest, fnorm;

  PetscFunctionBeginUser;
  PetscCall(VecSum(a->m, &value));
  DiniTestClose(PetscAbsScalar(value - a->seen), 0.0, 0.0, 1e-15, "the parameter and what the residual reads");
  *m = PetscRealPart(value);
  PetscCall(VecMin(a->field, NULL, &lowest));
  PetscCall(VecMax(a->field, NULL, &highest));
  DiniTestTrue(lowest == 0.5 && highest == 0.5, "The other block has been changed");
  PetscCall(Residual(NULL, a->u, a->w, a));
  PetscCall(VecNorm(a->w, NORM_2, &fnorm));
  DiniTestTrue(fnorm < 1e-9, "|F| = %g where the path ended", (double)fnorm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Ends(Problem *a, PetscReal target, DiniContinuationReason expected, PetscReal *m,
                           const char what[])
{
  DiniContinuationReason reason;
  PetscReal              reached;
  const char            *text;
  Vec                    dm, du;

  PetscFunctionBeginUser;
  PetscCall(DiniContinue(a->dini, 1, target, a->u, &reached, &reason));
  PetscCall(DiniContinuationReasonString(reason, &text));
  DiniTestTrue(reason == expected, "%s: ended with %s at %.10g", what, text, (double)reached);
  PetscCall(Consistent(a, m));
  if (reason < 0) DiniTestClose(reached, *m, 0.0, 1e-14, what);
  PetscCall(DiniCreateParameterVec(a->dini, &dm)); /* differentiable on the spot */
  PetscCall(VecDuplicate(a->u, &du));
  PetscCall(DiniJVP(a->dini, dm, du));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A first step beyond the fold: Newton fails, the step is halved, the fold is found */
static PetscErrorCode TestOvershoot(void)
{
  Problem        a;
  DiniStatistics stats;
  PetscReal      m;

  PetscFunctionBeginUser;
  PetscCall(Create(1.0, &a));
  PetscCall(DiniSetContinuation(a.dini, 4.0, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(Ends(&a, -10.0, DINI_CONTINUATION_FOLD, &m, "a first step that is too long"));
  PetscCall(DiniGetStatistics(a.dini, &stats));
  DiniTestTrue(stats.forward_failures > 0, "No forward solve has failed");
  DiniTestTrue(m > 0.0 && m < 2e-5, "The parameter is %g", (double)m);
  PetscCall(VecSet(a.m, -1.0)); /* what fails afterwards is an error again */
  DiniTestExpect(DiniSolve(a.dini, a.u), PETSC_ERR_NOT_CONVERGED, "The forward solve");
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps that are all too long for the smallest one; a step too few; a tangent that grows with a regular J */
static PetscErrorCode TestDiverged(void)
{
  Problem   a;
  PetscReal m;

  PetscFunctionBeginUser;
  PetscCall(Create(1.0, &a));
  PetscCall(DiniSetContinuation(a.dini, 4.0, 3.0, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(Ends(&a, -10.0, DINI_CONTINUATION_DIVERGED_FORWARD, &m, "a smallest step that is too long"));
  DiniTestClose(m, 1.0, 0.0, 0.0, "parameter after no step at all");
  PetscCall(DiniSetContinuation(a.dini, 0.125, 0.0, 2, PETSC_DEFAULT));
  PetscCall(Ends(&a, 8.0, DINI_CONTINUATION_DIVERGED_STEPS, &m, "two steps"));
  DiniTestClose(m, 1.3125, 0.0, 1e-14, "parameter after two steps");
  a.nan  = PETSC_TRUE;
  a.wall = 0.25; /* NaN below: found by bisection */
  PetscCall(DiniSetContinuation(a.dini, 0.125, 1e-3, 200, PETSC_DEFAULT));
  PetscCall(Ends(&a, -1.0, DINI_CONTINUATION_DIVERGED_FORWARD, &m, "a wall of NaN"));
  DiniTestTrue(m >= 0.25 && m < 0.26, "The last good value is %g", (double)m);
  PetscCall(Destroy(&a));
  PetscCall(Create(1.0, &a));
  a.root = PETSC_TRUE;
  a.wall = 0.0;
  a.nan  = PETSC_TRUE;
  PetscCall(Ends(&a, -1.0, DINI_CONTINUATION_DIVERGED_TANGENT, &m, "u = sqrt(m)"));
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(Dini dini, PetscReal m, Vec u, Vec dudm, PetscReal fold, void *ctx)
{
  Problem    *a = (Problem *)ctx;
  Vec         x;
  PetscReal   u0, t0;
  PetscScalar sum;

  PetscFunctionBeginUser;
  (void)fold;
  DiniTestTrue(m == PetscRealPart(a->seen), "The monitor sees another parameter than the residual");
  PetscCall(VecDuplicate(u, &x));
  PetscCall(DiniAdjointSolve(dini, u, x)); /* linear solves are welcome */
  PetscCall(VecDestroy(&x));
  PetscCall(VecNorm(u, NORM_1, &u0)); /* sqrt(m) + (m + 1/2)/3 + (m + 1/2)/4 */
  DiniTestClose(u0, PetscSqrtReal(m) + (m + 0.5) * 7.0 / 12.0, 1e-9, 0.0, "|u| in the monitor");
  PetscCall(VecSum(dudm, &sum));
  t0 = PetscRealPart(sum);
  DiniTestClose(t0, 0.5 / PetscSqrtReal(m) + 7.0 / 12.0, 1e-6, 0.0, "du/dm in the monitor");
  DiniTestTrue(a->steps == 0 || m < a->last, "The monitor sees a step that was taken back");
  a->last = m;
  a->steps++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMonitor(void)
{
  Problem   a;
  PetscReal m;

  PetscFunctionBeginUser;
  PetscCall(Create(1.0, &a));
  PetscCall(DiniContinuationMonitorSet(a.dini, Step, &a));
  PetscCall(Ends(&a, -1.0, DINI_CONTINUATION_FOLD, &m, "with a monitor"));
  DiniTestTrue(a.steps > 5 && a.last == m, "The monitor was called %d times", (int)a.steps);
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An error on the way is raised, and leaves u and m at the last good point; the object can be used again. */
static PetscErrorCode TestErrors(void)
{
  Problem                a;
  PetscReal              m, reached;
  DiniContinuationReason reason;

  PetscFunctionBeginUser;
  PetscCall(DiniTestForgiveLeaks());
  PetscCall(Create(4.0, &a));
  PetscCall(DiniSetContinuation(a.dini, 0.5, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  a.wall = 2.0;
  DiniTestExpectAny(DiniContinue(a.dini, 1, 0.0, a.u, &reached, &reason), "run into its wall");
  a.wall = -1e10;
  PetscCall(Consistent(&a, &m));
  DiniTestTrue(m >= 2.0 && m < 4.0, "The last good value is %g", (double)m);
  PetscCall(Ends(&a, 1.0, DINI_CONTINUATION_TARGET, &m, "after an error"));
  DiniTestClose(m, 1.0, 0.0, 0.0, "target after an error");
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Problem                a;
  PetscReal              reached, m;
  DiniContinuationReason reason;
  const char             options[] = "-dini_continuation_step 0.25 -dini_continuation_min_step 1e-5 "
                                     "-dini_continuation_max_steps 3 -dini_continuation_rtol 1e-2";

  PetscFunctionBeginUser;
  PetscCall(Create(1.0, &a));
  DiniTestExpect(DiniContinue(a.dini, 0, 2.0, a.u, &reached, &reason), PETSC_ERR_ARG_SIZ, "\"field\" has 3");
  DiniTestExpect(DiniContinue(a.dini, 2, 2.0, a.u, &reached, &reason), PETSC_ERR_ARG_OUTOFRANGE, "no parameter");
  DiniTestExpect(DiniContinue(a.dini, 1, NAN, a.u, &reached, &reason), PETSC_ERR_ARG_OUTOFRANGE, "not a number");
  DiniTestExpect(DiniContinue(a.dini, 1, PETSC_INFINITY, a.u, &reached, &reason), PETSC_ERR_ARG_OUTOFRANGE,
                 "not a number");
  DiniTestExpect(DiniContinue(a.dini, 1, 2.0, NULL, &reached, &reason), PETSC_ERR_ARG_NULL, "The state u");
  PetscCall(DiniSetParameterActive(a.dini, 1, PETSC_FALSE));
  DiniTestExpect(DiniContinue(a.dini, 1, 2.0, a.u, &reached, &reason), PETSC_ERR_ARG_WRONG, "\"m\" is inactive");
  PetscCall(DiniSetParameterActive(a.dini, 1, PETSC_TRUE));
  {
    PetscMPIInt rank, size;

    PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    if (size > 1) {
      DiniTestExpect(DiniContinue(a.dini, 1, rank ? 2.0 : 3.0, a.u, &reached, &reason), PETSC_ERR_ARG_WRONG,
                     "do not agree");
      PetscCall(DiniSetContinuation(a.dini, rank ? 0.25 : 0.5, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
      DiniTestExpect(DiniContinue(a.dini, 1, 2.0, a.u, &reached, &reason), PETSC_ERR_ARG_WRONG, "different steps");
      PetscCall(DiniSetContinuation(a.dini, 0.0, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
      PetscCall(DiniSetContinuationFolds(a.dini, rank ? 1 : 2, PETSC_INFINITY));
      DiniTestExpect(DiniContinue(a.dini, 1, 2.0, a.u, &reached, &reason), PETSC_ERR_ARG_WRONG, "numbers of folds");
      PetscCall(DiniSetContinuationFolds(a.dini, 0, PETSC_INFINITY));
    }
  }
  DiniTestExpect(DiniSetContinuation(a.dini, -1.0, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT),
                 PETSC_ERR_ARG_OUTOFRANGE, "must be positive");
  DiniTestExpect(DiniSetContinuation(a.dini, 1.0, 2.0, PETSC_DEFAULT, PETSC_DEFAULT), PETSC_ERR_ARG_OUTOFRANGE,
                 "larger than the first");
  DiniTestExpect(DiniSetContinuation(a.dini, PETSC_DEFAULT, PETSC_DEFAULT, 0, PETSC_DEFAULT), PETSC_ERR_ARG_OUTOFRANGE,
                 "goes nowhere");
  DiniTestExpect(DiniSetContinuation(a.dini, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 2.0),
                 PETSC_ERR_ARG_OUTOFRANGE, "between 0 and 1");
  /* nobody asks for the reason: what is not the target is an error, and the target is none */
  DiniTestExpect(DiniContinue(a.dini, 1, -1.0, a.u, NULL, NULL), PETSC_ERR_NOT_CONVERGED, "ends with FOLD at");
  PetscCall(Consistent(&a, &m));
  PetscCall(DiniContinue(a.dini, 1, 2.0, a.u, NULL, NULL));
  /* no solution to begin at */
  PetscCall(VecSet(a.m, -1.0));
  DiniTestExpect(DiniContinue(a.dini, 1, -2.0, a.u, &reached, &reason), PETSC_ERR_NOT_CONVERGED,
                 "no solution to continue");
  PetscCall(VecSet(a.m, 1.0));
  if (PetscDefined(USE_COMPLEX)) {
    PetscCall(VecSet(a.m, DiniTestScalar(1.0, 1.0)));
    DiniTestExpect(DiniContinue(a.dini, 1, 2.0, a.u, &reached, &reason), PETSC_ERR_ARG_WRONG, "imaginary part");
    PetscCall(VecSet(a.m, 1.0));
  }
  PetscCall(VecSet(a.u, 1.0));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(DiniSetFromOptions(a.dini));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(Ends(&a, 8.0, DINI_CONTINUATION_DIVERGED_STEPS, &m, "three steps by options"));
  DiniTestClose(m, 2.1875, 0.0, 1e-12, "parameter after three steps");
  PetscCall(DiniSetContinuation(a.dini, PETSC_DEFAULT, PETSC_DEFAULT, 200, PETSC_DEFAULT));
  PetscCall(Ends(&a, -1.0, DINI_CONTINUATION_FOLD, &m, "smallest step by options"));
  DiniTestTrue(m > 0.0 && m <= 1.1e-5, "The parameter is %g", (double)m);
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestOvershoot());
  PetscCall(TestDiverged());
  PetscCall(TestMonitor());
  PetscCall(TestMisuse());
  PetscCall(TestErrors());
  PetscCall(PetscFinalize());
  return 0;
}
