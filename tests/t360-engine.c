static char help[] =
    "The engine by itself: from two matrices and a preconditioner, through the table of transposed solves. This program is linked\n\
without the library, from src/linear and src/sys alone: no Dini is there to be known.\n\
  -problem <convection,saddle,elasticity>\n";

#include "table/table.h"
#include "../src/private/dinilinearimpl.h"
#include "../src/private/dinisysimpl.h"

#define RIGHT 1e-6

typedef struct {
  Mat      A;
  DM       dm;
  IS       field[2];
  Vec      x, b, y; /* what is looked for, its right-hand side, what is found */
  PetscInt solves, right, refused, errors, skipped;
} Bench;

static PetscErrorCode Count(void *ctx, DiniDirection direction, const DiniSolveResult *result, PetscReal seconds)
{
  (void)direction, (void)result, (void)seconds;
  ++*(PetscInt *)ctx;
  return PETSC_SUCCESS;
}

/* Matrices and vectors; what has been counted stays */
static PetscErrorCode BenchCreate(const char problem[], Bench *t)
{
  PetscBool is;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(problem, "convection", &is));
  if (is) {
    PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 13, 13,
                           PETSC_DECIDE, PETSC_DECIDE, 1, 1, NULL, NULL, &t->dm));
    PetscCall(DMSetUp(t->dm));
    PetscCall(DMCreateMatrix(t->dm, &t->A));
    PetscCall(TableGridAssemble(t->dm, 30.0, PETSC_FALSE, t->A));
  } else {
    PetscCall(PetscStrcmp(problem, "saddle", &is));
    if (is) PetscCall(TableSaddleCreate(PETSC_COMM_WORLD, 8, &t->A, t->field));
    else PetscCall(TableElasticityCreate(PETSC_COMM_WORLD, 9, &t->A));
  }
  PetscCall(MatCreateVecs(t->A, &t->x, &t->b));
  PetscCall(VecDuplicate(t->x, &t->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchDestroy(Bench *t)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&t->A));
  PetscCall(DMDestroy(&t->dm));
  for (int i = 0; i < 2; i++) PetscCall(ISDestroy(&t->field[i]));
  PetscCall(VecDestroy(&t->x));
  PetscCall(VecDestroy(&t->b));
  PetscCall(VecDestroy(&t->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solution that is known beforehand, and the right-hand side that it has */
static PetscErrorCode Known(Bench *t, DiniDirection direction, PetscInt seed)
{
  PetscFunctionBeginUser;
  PetscCall(DiniRandom_Private(seed, t->x));
  if (direction == DINI_TANGENT) PetscCall(MatMult(t->A, t->x, t->b));
  else PetscCall(MatMultHermitianTranspose(t->A, t->x, t->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right, or not good; never good and wrong */
static PetscErrorCode Judge(Bench *t, const DiniSolveResult *result, DiniDirection direction, const char label[])
{
  PetscReal error, norm;

  PetscFunctionBeginUser;
  t->solves++;
  PetscCall(VecAXPY(t->y, -1.0, t->x));
  PetscCall(VecNorm(t->y, NORM_2, &error));
  PetscCall(VecNorm(t->x, NORM_2, &norm));
  PetscCheck(!result->good || error <= RIGHT * norm, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "%s, %s: off by %g, residual %g, rung %s", label, direction ? "adjoint" : "tangent",
             (double)(error / norm), (double)result->relative, DiniRungs[result->rung]);
  if (result->good) t->right++;
  else t->refused++;
  PetscCheck(result->good || result->tried[0], PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%s: not good, and not a word why",
             label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The forward solve that leaves its preconditioner behind; not every case converges */
static PetscErrorCode Forward(Bench *t, KSP *ksp, PetscBool *converged)
{
  KSPConvergedReason reason;
  PC                 pc;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPGetPC(*ksp, &pc));
  if (t->dm) PetscCall(PCSetDM(pc, t->dm)); /* for its levels; the operators are ours */
  PetscCall(KSPSetOperators(*ksp, t->A, t->A));
  PetscCall(KSPSetTolerances(*ksp, 1e-8, 1e-50, PETSC_DEFAULT, 600));
  PetscCall(KSPSetFromOptions(*ksp));
  if (t->field[0]) {
    PetscCall(PCFieldSplitSetIS(pc, "u", t->field[0]));
    PetscCall(PCFieldSplitSetIS(pc, "p", t->field[1]));
  }
  PetscCall(Known(t, DINI_TANGENT, 1));
  PetscCall(KSPSolve(*ksp, t->b, t->y));
  PetscCall(KSPGetConvergedReason(*ksp, &reason));
  *converged = (PetscBool)(reason > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both systems, each twice: the second solve of a direction goes on where the first has ended */
static PetscErrorCode Solves(Bench *t, DiniEngine e, const char label[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < 4; k++) {
    const DiniDirection direction = k % 2 ? DINI_TANGENT : DINI_ADJOINT;
    DiniSolveResult     result    = {.relative = 1.0};
    Vec                 b;

    PetscCall(Known(t, direction, 20 + k));
    PetscCall(VecNorm(t->b, NORM_2, &result.bnorm));
    PetscCall(DiniEngineCompatible_Private(e, direction, t->b, &b));
    PetscCall(DiniEngineSolve_Private(e, direction, b, t->y, &result));
    PetscCall(Judge(t, &result, direction, label));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forget(const char options[])
{
  char **tokens;
  int    n;

  PetscFunctionBeginUser;
  PetscCall(PetscStrToArray(options, ' ', &n, &tokens));
  for (int i = 0; i < n; i++)
    if (tokens[i][0] == '-' && !(tokens[i][1] >= '0' && tokens[i][1] <= '9'))
      PetscCall(PetscOptionsClearValue(NULL, tokens[i]));
  PetscCall(PetscStrToArrayDestroy(n, tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An error leaves PETSc's objects half-way, and they are left alone: what counts is that ranks agree, and that nothing is wrong */
static PetscErrorCode Row(Bench *t, const char problem[], const TableCase *c)
{
  DiniStatistics      stats = {0};
  DiniEngineCallbacks none  = {0};
  DiniEngine          e     = NULL;
  KSP                 ksp   = NULL;
  PC                  pc;
  PetscBool           converged = PETSC_FALSE;
  PetscErrorCode      failed;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsInsertString(NULL, c->options));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  failed = Forward(t, &ksp, &converged);
  PetscCall(PetscPopErrorHandler());
  if (failed || !converged) t->skipped++;
  if (!failed && converged) {
    PetscCall(DiniEngineCreate_Private(PETSC_COMM_WORLD, &none, &stats, &e));
    PetscCall(DiniEngineSetState_Private(e, t->x));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(DiniEngineSetPC_Private(e, pc));
    PetscCall(DiniEngineLinearize_Private(e, t->A, t->A, 1));
    PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
    failed = Solves(t, e, c->label);
    PetscCall(PetscPopErrorHandler());
    PetscCheck(failed != PETSC_ERR_PLIB, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%s is wrong", c->label);
    if (failed) t->errors++;
  }
  PetscCall(Forget(c->options));
  if (failed) { /* what an error has left behind is no leak, and in no state to go on with */
    PetscCall(PetscOptionsClearValue(NULL, "-malloc_dump"));
    PetscCall(PetscOptionsClearValue(NULL, "-malloc_debug"));
    PetscCall(BenchCreate(problem, t));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniEngineDestroy_Private(&e));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What an engine is told of its solves, and what it counts */
static PetscErrorCode TestCounts(Bench *t)
{
  DiniStatistics      stats  = {0};
  PetscInt            heard  = 0;
  DiniEngineCallbacks up     = {.ctx = &heard, .monitor = Count};
  DiniSolveResult     result = {.relative = 1.0};
  DiniEngine          e;
  PetscBool           known;

  PetscFunctionBeginUser;
  PetscCall(DiniEngineCreate_Private(PETSC_COMM_WORLD, &up, &stats, &e));
  PetscCall(DiniEngineSetState_Private(e, t->x));
  PetscCall(DiniEngineLinearize_Private(e, t->A, t->A, 7));
  PetscCall(Known(t, DINI_ADJOINT, 3));
  PetscCall(VecNorm(t->b, NORM_2, &result.bnorm));
  PetscCall(
      DiniEngineSolve_Private(e, DINI_ADJOINT, t->b, t->y, &result)); /* with a preconditioner of the engine's own */
  PetscCall(DiniEngineRemember_Private(e, DINI_ADJOINT, t->b, t->y, &result));
  PetscCall(Judge(t, &result, DINI_ADJOINT, "an engine without a preconditioner"));
  PetscCheck(result.good && stats.pc_setups > 0, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "%s", result.tried);
  PetscCall(DiniEngineRecall_Private(e, DINI_ADJOINT, t->b, result.bnorm, t->y, &result, &known));
  PetscCheck(known, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "the last solve is not remembered");
  PetscCall(DiniEngineLinearize_Private(e, t->A, t->A, 8));
  PetscCall(DiniEngineRecall_Private(e, DINI_ADJOINT, t->b, result.bnorm, t->y, &result, &known));
  PetscCheck(!known, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "the solve of another point is remembered");
  PetscCheck(heard == 0, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "single solves are told by who asks for them");
  PetscCall(DiniEngineDestroy_Private(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char        problem[64] = "convection";
  Bench       t           = {0};
  PetscMPIInt size;
  const char *groups = "direct,onelevel,levels";
  PetscBool   has, applies;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", problem, sizeof(problem), NULL));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(BenchCreate(problem, &t));
  PetscCall(TestCounts(&t));
  for (const TableCase *c = TableCases; c->group; c++) {
    applies = (PetscBool)(c->options && (c->ranks == 0 || (c->ranks == 1) == (size == 1)));
    if (applies && c->problems) PetscCall(PetscStrInList(problem, c->problems, ',', &applies));
    if (applies) PetscCall(PetscStrInList(c->group, groups, ',', &applies));
    has = PETSC_TRUE;
    if (c->needs) PetscCall(PetscHasExternalPackage(c->needs, &has));
    if (applies && has) PetscCall(Row(&t, problem, c));
  }
  PetscCheck(t.right > 3 * (t.refused + t.errors) && t.right > 100, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "%" PetscInt_FMT " right, %" PetscInt_FMT " not good, %" PetscInt_FMT " cases with errors, %" PetscInt_FMT
             " without a forward solution",
             t.right, t.refused, t.errors, t.skipped);
  PetscCall(BenchDestroy(&t));
  PetscCall(PetscFinalize());
  return 0;
}
