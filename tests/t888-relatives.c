static char help[] =
    "Relatives of faults that were found: second derivatives where SNESSolve() had a right-hand side; everything that an\n\
application may have set on its solvers, after derivatives of every kind; least squares on a square regular A at a large\n\
condition.\n";

#include "support/fixtures.h"

/* ---- F(u, m) = b: Hessian products and pinned derivatives are those of the closed problem m + b ---- */

static PetscErrorCode HalfSquare(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, &norm));
  *value = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfSquareGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u, H dm and D^H u of the problem whose load is m + b, b in the SNES or in m */
static PetscErrorCode Loaded(PetscBool inside, Vec result[3])
{
  Cubic c;
  Vec   b, m, dm;
  Mat   D;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(5, DiniTestScalar(0.3, 0.1), &c));
  PetscCall(DiniTestVec(c.u, 4, &b));
  PetscCall(VecScale(b, 0.3));
  if (!inside) PetscCall(VecAXPY(c.m, 1.0, b));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(SNESSolve(c.snes, inside ? b : NULL, c.u));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, HalfSquare, HalfSquareGradient, NULL));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(DiniTestVec(m, 5, &dm));
  for (int k = 0; k < 3; k++) PetscCall(VecDuplicate(c.u, &result[k]));
  PetscCall(DiniHVP(c.dini, dm, result[1]));
  PetscCall(DiniCreateDerivative(c.dini, DINI_ALL_PARAMETERS, &D));
  PetscCall(VecShift(c.m, 0.5)); /* elsewhere, and a pinned derivative from there */
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecCopy(c.u, result[0]));
  PetscCall(MatMultHermitianTranspose(D, dm, result[2]));
  PetscCall(MatDestroy(&D));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRightHandSide(void)
{
  static const char *const what[] = {"the state with b", "a Hessian product with b", "a pinned derivative with b"};
  Vec                      result[2][3];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(Loaded((PetscBool)k, result[k]));
  for (int r = 0; r < 3; r++) PetscCall(DiniTestVecsClose(result[0][r], result[1][r], r == 1 ? 1e-5 : 1e-8, what[r]));
  for (int k = 0; k < 6; k++) PetscCall(VecDestroy(&result[k / 3][k % 3]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- What an application has set on its solvers ---- */

typedef struct {
  PetscReal   rtol, atol, dtol, stol, eta;
  PetscInt    maxits, lagJ, lagP, restart, snesits, snesevals, locks[2];
  PetscBool   nonzero, reuse, ew;
  Mat         A, P, J, B;
  Vec         x, b, F;
  KSPType     type;
  PCType      pctype;
  KSPNormType norm;
  PCSide      side;
  const char *prefix;
  SNES        ctx;
  PetscErrorCode (*test)(KSP, PetscInt, PetscReal, KSPConvergedReason *, void *);
} Settings;

static PetscErrorCode Look(Cubic *c, Settings *s)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(s, sizeof(*s))); /* padding, too: they are compared byte by byte */
  PetscCall(SNESGetKSP(c->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(KSPGetTolerances(ksp, &s->rtol, &s->atol, &s->dtol, &s->maxits));
  PetscCall(SNESGetTolerances(c->snes, NULL, NULL, &s->stol, &s->snesits, &s->snesevals));
  PetscCall(SNESGetLagJacobian(c->snes, &s->lagJ));
  PetscCall(SNESGetLagPreconditioner(c->snes, &s->lagP));
  PetscCall(KSPGMRESGetRestart(ksp, &s->restart));
  PetscCall(KSPGetInitialGuessNonzero(ksp, &s->nonzero));
  PetscCall(PCGetReusePreconditioner(pc, &s->reuse));
  PetscCall(SNESKSPGetUseEW(c->snes, &s->ew));
  PetscCall(KSPGetOperators(ksp, &s->A, &s->P));
  PetscCall(PCGetOperators(pc, &s->J, &s->B));
  PetscCall(SNESGetSolution(c->snes, &s->x));
  PetscCall(SNESGetRhs(c->snes, &s->b));
  PetscCall(SNESGetFunction(c->snes, &s->F, NULL, NULL));
  PetscCall(KSPGetType(ksp, &s->type));
  PetscCall(PCGetType(pc, &s->pctype));
  PetscCall(KSPGetNormType(ksp, &s->norm));
  PetscCall(KSPGetPCSide(ksp, &s->side));
  PetscCall(KSPGetOptionsPrefix(ksp, &s->prefix));
  PetscCall(KSPGetConvergenceTest(ksp, &s->test, NULL, NULL));
  PetscCall(VecLockGet(c->u, &s->locks[0]));
  PetscCall(VecLockGet(c->m, &s->locks[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSettings(PetscBool lagged)
{
  Cubic     c;
  KSP       ksp;
  Settings  before, after;
  Vec       m, dm, g, u[2];
  PetscReal value;
  PetscBool same;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, DiniTestScalar(0.3, 0.1), &c));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGMRESSetRestart(ksp, 17));
  PetscCall(KSPSetTolerances(ksp, 1e-3, 1e-40, 1e6, 77));
  if (lagged) PetscCall(SNESSetLagJacobian(c.snes, 2));
  if (lagged) PetscCall(SNESSetLagPreconditioner(c.snes, 3));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, HalfSquare, HalfSquareGradient, NULL));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Look(&c, &before));
  PetscCall(VecDuplicate(c.u, &u[0]));
  PetscCall(VecDuplicate(c.u, &u[1]));
  PetscCall(VecCopy(c.u, u[0]));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(DiniTestVec(m, 5, &dm));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(DiniVJP(c.dini, dm, g));
  PetscCall(DiniJVP(c.dini, dm, g));
  PetscCall(DiniHVP(c.dini, dm, g));
  PetscCall(DiniSecondJVP(c.dini, dm, m, g));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(Look(&c, &after));
  PetscCall(PetscMemcmp(&before, &after, sizeof(before), &same));
  DiniTestTrue(same, "Derivatives have left the solvers of the application otherwise than they found them");
  PetscCall(VecEqual(c.u, u[0], &same));
  DiniTestTrue(same, "Derivatives have written to u");
  PetscCall(SNESSolve(c.snes, NULL, c.u)); /* and the next solve finds what it wants */
  PetscCall(DiniTestVecsClose(c.u, u[0], 1e-10, "a solve after derivatives"));
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&u[k]));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&g));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- LSQR and CGLS on a square regular diagonal of condition 1e6, by closed forms ---- */

static PetscErrorCode TestSquare(KSPType type)
{
  const PetscInt N = 5;
  Mat            A, Abar;
  Vec            u, b, d, ubar, bbar, e;
  KSP            ksp;
  PC             pc;
  Dini           dini;
  PetscInt       lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(MatSetValue(A, i, i, PetscPowReal(10.0, -6.0 * (PetscReal)i / (N - 1)) * DiniTestScalar(0.8, 0.6),
                          INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(DiniTestVec(b, 3, &ubar));
  PetscCall(VecDuplicate(b, &bbar));
  PetscCall(VecDuplicate(b, &d));
  PetscCall(VecDuplicate(b, &e));
  PetscCall(DiniTestFill(u, 4));
  PetscCall(MatMult(A, u, b)); /* u is the solution */
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetType(ksp, type));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINIKSP));
  PetscCall(DiniSetKSP(dini, ksp));
  PetscCall(DiniSetLinearSystem(dini, b, NULL, NULL));
  PetscCall(DiniAddParameter(dini, "b", b, NULL));
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniVJP(dini, ubar, bbar));
  PetscCall(MatGetDiagonal(A, d));
  PetscCall(VecConjugate(d));
  PetscCall(VecPointwiseDivide(e, ubar, d));
  PetscCall(VecPointwiseDivide(bbar, bbar, e)); /* entry by entry: the condition must not show */
  PetscCall(VecSet(d, 1.0));
  PetscCall(DiniTestVecsClose(bbar, d, 1e-8, "bbar of a square system by least squares"));
  PetscCall(MatDuplicate(A, MAT_DO_NOT_COPY_VALUES, &Abar));
  PetscCall(DiniMatrixVJP(dini, ubar, Abar)); /* -lambda conj(u), lambda = e */
  PetscCall(MatGetDiagonal(Abar, bbar));
  PetscCall(VecConjugate(u));
  PetscCall(VecPointwiseMult(e, e, u));
  PetscCall(VecScale(e, -1.0));
  PetscCall(VecPointwiseDivide(bbar, bbar, e));
  PetscCall(DiniTestVecsClose(bbar, d, 1e-8, "Abar of a square system by least squares"));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&d));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&bbar));
  PetscCall(DiniDestroy(&dini));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRightHandSide());
  PetscCall(TestSettings(PETSC_FALSE));
  PetscCall(TestSettings(PETSC_TRUE));
  PetscCall(TestSquare(KSPLSQR));
  PetscCall(TestSquare(KSPCGLS));
  PetscCall(PetscFinalize());
  return 0;
}
