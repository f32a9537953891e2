static char help[] = "Parameter blocks: names, the flat vector, its parts, several blocks, inactive blocks.\n";

#include "support/fixtures.h"

/*
  u + u^3 = m + q(c) with two more blocks that enter by other routes: a field c of the same layout through its square, and
  a block s of one global entry on the last rank, through an update callback.
*/
typedef struct {
  Cubic       cubic;
  Vec         c, s, total;
  PetscScalar sum;
  PetscInt    pc, ps, updates, fills;
} Three;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Three *t = (Three *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(t->total, t->c, t->c));
  PetscCall(VecAXPBY(t->total, 1.0, 0.5, t->cubic.m));
  PetscCall(VecShift(t->total, t->sum));
  t->cubic.seen = t->total;
  PetscCall(CubicResidual(&t->cubic, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The single entry of s, known on every rank */
static PetscErrorCode Update(Dini dini, Vec s, void *ctx)
{
  Three *t = (Three *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  t->updates++;
  PetscCall(VecSum(s, &t->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillC(Dini dini, Vec u, Vec c, Mat Fm, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  ((Three *)ctx)->fills++;
  PetscCall(VecDuplicate(c, &d));
  PetscCall(VecCopy(c, d));
  PetscCall(VecScale(d, -1.0));
  PetscCall(MatZeroEntries(Fm));
  PetscCall(MatDiagonalSet(Fm, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ThreeCreate(Three *t)
{
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t, sizeof(*t)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(CubicCreate(10, 0.0, &t->cubic));
  PetscCall(SNESSetFunction(t->cubic.snes, NULL, Residual, t));
  PetscCall(VecDuplicate(t->cubic.m, &t->total));
  PetscCall(DiniTestVec(t->cubic.m, 31, &t->c));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, rank == size - 1 ? 1 : 0, 1, &t->s));
  PetscCall(VecSet(t->s, 0.25));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &t->cubic.dini));
  PetscCall(DiniSetSNES(t->cubic.dini, t->cubic.snes));
  PetscCall(DiniAddParameter(t->cubic.dini, "m", t->cubic.m, &t->cubic.p));
  PetscCall(DiniAddParameter(t->cubic.dini, "c", t->c, &t->pc));
  PetscCall(DiniAddParameter(t->cubic.dini, "s", t->s, &t->ps));
  PetscCall(DiniSetParameterUpdate(t->cubic.dini, t->ps, Update, t));
  PetscCall(DiniSetParameterType(t->cubic.dini, t->cubic.p, DINIPARAMETERRHS));
  PetscCall(MatDuplicate(t->cubic.S, MAT_DO_NOT_COPY_VALUES, &t->cubic.Fm));
  PetscCall(DiniSetParameterJacobian(t->cubic.dini, t->pc, t->cubic.Fm, FillC, t));
  PetscCall(DiniSetFromOptions(t->cubic.dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ThreeDestroy(Three *t)
{
  PetscFunctionBeginUser;
  PetscCall(CubicDestroy(&t->cubic));
  PetscCall(VecDestroy(&t->c));
  PetscCall(VecDestroy(&t->s));
  PetscCall(VecDestroy(&t->total));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The local part of flat is the local parts of the active blocks, in the order in which they were added. */
static PetscErrorCode CheckFlat(Vec flat, PetscInt n, const Vec blocks[])
{
  const PetscScalar *f, *b;
  PetscInt           at    = 0, local, size;
  PetscReal          worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(flat, &f));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(VecGetLocalSize(blocks[k], &local));
    PetscCall(VecGetArrayRead(blocks[k], &b));
    for (PetscInt i = 0; i < local; i++) worst = PetscMax(worst, PetscAbsScalar(f[at + i] - b[i]));
    PetscCall(VecRestoreArrayRead(blocks[k], &b));
    at += local;
  }
  PetscCall(VecRestoreArrayRead(flat, &f));
  PetscCall(VecGetLocalSize(flat, &size));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscCheck(size == at, PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "Local size %" PetscInt_FMT " of the flat vector, expected %" PetscInt_FMT, size, at);
  DiniTestTrue(worst == 0.0, "The flat vector is off by %g", (double)worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFlat(void)
{
  Three       t;
  Vec         flat, other, part, blocks[3];
  PetscInt    n, p;
  const char *name;
  PetscBool   same;

  PetscFunctionBeginUser;
  PetscCall(ThreeCreate(&t));
  blocks[0] = t.cubic.m;
  blocks[1] = t.c;
  blocks[2] = t.s;
  PetscCall(DiniGetNumberParameters(t.cubic.dini, &n));
  DiniTestCount(n, 3, "number of blocks");
  PetscCall(DiniFindParameter(t.cubic.dini, "c", &p));
  DiniTestCount(p, t.pc, "number of block c");
  PetscCall(DiniGetParameter(t.cubic.dini, t.ps, &name, NULL));
  PetscCall(PetscStrcmp(name, "s", &same));
  DiniTestTrue(same, "Block s is called %s", name);
  PetscCall(DiniCreateParameterVec(t.cubic.dini, &flat));
  PetscCall(CheckFlat(flat, 3, blocks));
  /* writing reaches the blocks and the update callback, reading gives it back */
  PetscCall(DiniTestVec(flat, 33, &other));
  t.updates = 0;
  PetscCall(DiniSetParameters(t.cubic.dini, other));
  PetscCall(CheckFlat(other, 3, blocks));
  DiniTestTrue(t.updates > 0, "DiniSetParameters() did not call the update");
  PetscCall(VecSet(flat, 0.0));
  PetscCall(DiniGetParameters(t.cubic.dini, flat));
  PetscCall(DiniTestVecsClose(flat, other, 0.0, "parameters read back"));
  /* a part aliases the flat vector and has the shape of its block */
  PetscCall(DiniGetParameterSubVec(t.cubic.dini, flat, t.pc, &part));
  PetscCall(DiniTestVecsClose(part, t.c, 0.0, "part of block c"));
  PetscCall(VecScale(part, 2.0));
  PetscCall(DiniRestoreParameterSubVec(t.cubic.dini, flat, t.pc, &part));
  PetscCall(VecScale(t.c, 2.0));
  PetscCall(CheckFlat(flat, 3, blocks));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&other));
  /* an inactive block has no place in the flat vector */
  PetscCall(DiniSetParameterActive(t.cubic.dini, t.pc, PETSC_FALSE));
  PetscCall(DiniGetParameterActive(t.cubic.dini, t.pc, &same));
  DiniTestTrue(!same, "Block c is still active");
  PetscCall(DiniCreateParameterVec(t.cubic.dini, &flat));
  blocks[1] = t.s;
  PetscCall(CheckFlat(flat, 2, blocks));
  PetscCall(VecDestroy(&flat));
  PetscCall(ThreeDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of a block on a DMDA is a DMDA vector: its array comes by DMDAVecGetArray(). */
static PetscErrorCode TestShape(void)
{
  Transport     t;
  Vec           flat, part;
  PetscScalar **a;
  DM            dm;
  DMDALocalInfo info;
  PetscInt      p;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(6, 5, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERFD));
  PetscCall(DiniAddScalarParameter(t.dini, "peclet", &t.peclet, &p));
  PetscCall(DiniCreateParameterVec(t.dini, &flat));
  PetscCall(DiniGetParameterSubVec(t.dini, flat, t.p, &part));
  PetscCall(VecGetDM(part, &dm));
  DiniTestTrue(dm, "The part of a block on a DMDA has lost its DM");
  PetscCall(DMDAGetLocalInfo(t.dm, &info));
  PetscCall(DMDAVecGetArray(t.dm, part, &a));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++)
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) a[j][i] *= 3.0;
  PetscCall(DMDAVecRestoreArray(t.dm, part, &a));
  PetscCall(DiniRestoreParameterSubVec(t.dini, flat, t.p, &part));
  PetscCall(DiniSetParameters(t.dini, flat));
  PetscCall(DiniTestFill(t.f, 1));
  PetscCall(VecScale(t.f, 1.5)); /* what the fixture puts into m, times 3 */
  PetscCall(DiniTestVecsClose(t.m, t.f, 1e-15, "block on a DMDA"));
  PetscCall(VecDestroy(&flat));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each part of the gradient in closed form: J = 1 + 3 u^2 and F_m = -1, -c, -1 (s reaches all rows). */
static PetscErrorCode TestBlocks(void)
{
  Three       t;
  Vec         ubar, mbar, part, expected, dm, du;
  PetscScalar sum;
  PetscReal   value;

  PetscFunctionBeginUser;
  PetscCall(ThreeCreate(&t));
  PetscCall(DiniSolve(t.cubic.dini, t.cubic.u));
  PetscCall(DiniTestVec(t.cubic.u, 34, &ubar));
  PetscCall(DiniCreateParameterVec(t.cubic.dini, &mbar));
  PetscCall(DiniVJP(t.cubic.dini, ubar, mbar));
  PetscCall(VecDuplicate(ubar, &expected));
  PetscCall(VecPointwiseMult(expected, t.cubic.u, t.cubic.u));
  PetscCall(VecScale(expected, 3.0));
  PetscCall(VecShift(expected, 1.0));
  PetscCall(VecConjugate(expected));
  PetscCall(VecPointwiseDivide(expected, ubar, expected)); /* lambda */
  PetscCall(DiniGetParameterSubVec(t.cubic.dini, mbar, t.cubic.p, &part));
  PetscCall(DiniTestVecsClose(part, expected, 1e-10, "gradient of block m"));
  PetscCall(DiniRestoreParameterSubVec(t.cubic.dini, mbar, t.cubic.p, &part));
  PetscCall(VecSum(expected, &sum));
  PetscCall(DiniGetParameterSubVec(t.cubic.dini, mbar, t.ps, &part));
  PetscCall(VecShift(part, -sum));
  PetscCall(VecNorm(part, NORM_INFINITY, &value));
  DiniTestClose(value, 0.0, 0.0, 1e-6 * PetscAbsScalar(sum), "gradient of block s"); /* dense differences */
  PetscCall(DiniRestoreParameterSubVec(t.cubic.dini, mbar, t.ps, &part));
  PetscCall(VecCopy(t.c, du = t.cubic.d));
  PetscCall(VecConjugate(du));
  PetscCall(VecPointwiseMult(expected, expected, du));
  PetscCall(DiniGetParameterSubVec(t.cubic.dini, mbar, t.pc, &part));
  PetscCall(DiniTestVecsClose(part, expected, 1e-10, "gradient of block c"));
  PetscCall(DiniRestoreParameterSubVec(t.cubic.dini, mbar, t.pc, &part));
  PetscCall(DiniTestDotProduct(t.cubic.dini, 1e-9));

  /* a direction in one block only */
  PetscCall(VecDuplicate(mbar, &dm));
  PetscCall(VecDuplicate(ubar, &du));
  PetscCall(DiniGetParameterSubVec(t.cubic.dini, dm, t.pc, &part));
  PetscCall(DiniTestFill(part, 35));
  PetscCall(VecPointwiseMult(expected, part, t.c));
  PetscCall(DiniRestoreParameterSubVec(t.cubic.dini, dm, t.pc, &part));
  PetscCall(DiniJVP(t.cubic.dini, dm, du));
  PetscCall(VecPointwiseMult(ubar, t.cubic.u, t.cubic.u));
  PetscCall(VecScale(ubar, 3.0));
  PetscCall(VecShift(ubar, 1.0));
  PetscCall(VecPointwiseDivide(expected, expected, ubar));
  PetscCall(DiniTestVecsClose(du, expected, 1e-10, "JVP in block c"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(ThreeDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An inactive block is neither filled nor differenced, and the parts of the others stay what they were. */
static PetscErrorCode TestInactive(void)
{
  Three          t;
  Vec            ubar, mbar, part, all;
  DiniStatistics with, without;

  PetscFunctionBeginUser;
  PetscCall(ThreeCreate(&t));
  PetscCall(DiniSetGuard(t.cubic.dini, PETSC_FALSE)); /* its residuals are not what is counted here */
  PetscCall(DiniTestVec(t.cubic.u, 36, &ubar));
  PetscCall(DiniSolve(t.cubic.dini, t.cubic.u));
  PetscCall(DiniCreateParameterVec(t.cubic.dini, &mbar));
  PetscCall(DiniVJP(t.cubic.dini, ubar, mbar));
  PetscCall(VecDuplicate(t.cubic.m, &all));
  PetscCall(DiniGetParameterSubVec(t.cubic.dini, mbar, t.cubic.p, &part));
  PetscCall(VecCopy(part, all));
  PetscCall(DiniRestoreParameterSubVec(t.cubic.dini, mbar, t.cubic.p, &part));
  PetscCall(VecDestroy(&mbar));
  PetscCall(DiniGetStatistics(t.cubic.dini, &with));
  DiniTestCount(t.fills, 1, "fills of block c while active");
  DiniTestTrue(with.residuals > 0, "The differences of block s cost no residual");

  PetscCall(DiniSetParameterActive(t.cubic.dini, t.pc, PETSC_FALSE));
  PetscCall(DiniSetParameterActive(t.cubic.dini, t.ps, PETSC_FALSE));
  PetscCall(DiniSolve(t.cubic.dini, t.cubic.u));
  PetscCall(DiniResetStatistics(t.cubic.dini));
  PetscCall(DiniCreateParameterVec(t.cubic.dini, &mbar));
  t.cubic.residuals = 0;
  PetscCall(DiniVJP(t.cubic.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, all, 1e-9, "gradient of block m alone"));
  PetscCall(DiniGetStatistics(t.cubic.dini, &without));
  DiniTestCount(t.fills, 1, "fills of block c while inactive");
  DiniTestCount(t.cubic.residuals, without.residuals, "residuals, by callback and by statistics");
  DiniTestCount(without.residuals, 0, "residuals for inactive blocks");
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&all));
  PetscCall(VecDestroy(&ubar));
  PetscCall(ThreeDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Three    t;
  Vec      flat, part;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(ThreeCreate(&t));
  DiniTestExpect(DiniAddParameter(t.cubic.dini, "c", t.cubic.m, &p), PETSC_ERR_ARG_WRONG, "\"c\"");
  DiniTestExpect(DiniSetParameterType(t.cubic.dini, 3, DINIPARAMETERRHS), PETSC_ERR_ARG_OUTOFRANGE, "3");
  DiniTestExpect(DiniSetParameterType(t.cubic.dini, -1, DINIPARAMETERRHS), PETSC_ERR_ARG_OUTOFRANGE, "-1");
  DiniTestExpect(DiniSetParameterType(t.cubic.dini, t.pc, "nosuch"), PETSC_ERR_ARG_UNKNOWN_TYPE, "nosuch");
  PetscCall(DiniSetParameterActive(t.cubic.dini, t.pc, PETSC_FALSE));
  PetscCall(DiniCreateParameterVec(t.cubic.dini, &flat));
  DiniTestExpectAny(DiniGetParameterSubVec(t.cubic.dini, flat, t.pc, &part), "\"c\"");
  PetscCall(VecDestroy(&flat));
  PetscCall(ThreeDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dini_parameter_<name>_active and _type from the database */
static PetscErrorCode TestOptions(void)
{
  Three             t;
  PetscBool         active, same;
  DiniParameterType type;
  const char        options[] = "-dini_parameter_c_active 0 -dini_parameter_m_type zero";

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ThreeCreate(&t));
  PetscCall(DiniGetParameterActive(t.cubic.dini, t.pc, &active));
  DiniTestTrue(!active, "-dini_parameter_c_active 0 leaves the block active");
  PetscCall(DiniGetParameterType(t.cubic.dini, t.cubic.p, &type));
  PetscCall(PetscStrcmp(type, DINIPARAMETERZERO, &same));
  DiniTestTrue(same, "-dini_parameter_m_type zero gives %s", type);
  PetscCall(ThreeDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestFlat());
  PetscCall(TestShape());
  PetscCall(TestBlocks());
  PetscCall(TestInactive());
  PetscCall(TestMisuse());
  PetscCall(TestOptions());
  PetscCall(PetscFinalize());
  return 0;
}
