static char help[] = "A double root is called singular, whoever gives J, and roots near to each other are not.\n";

#include "support/fixtures.h"

typedef enum { SQUARE, PAIR, BESIDE } RootKind; /* (u - m)^2; two of them that share u; (u - m)^2 = 1e-3, regular */

typedef struct {
  RootKind kind;
  Vec      u, m;
  Mat      J;
  SNES     snes;
  Dini     dini;
} Root;

static PetscErrorCode Distances(Root *r, Vec u, Vec t)
{
  PetscScalar *a, first = 0.0;
  PetscInt     lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(t, -1.0, r->m, u));
  if (r->kind != PAIR) PetscFunctionReturn(PETSC_SUCCESS);
  /* every entry but the first: u_0 + u_i - m_i */
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  if (lo == 0 && hi > 0) {
    const PetscInt zero = 0;

    PetscCall(VecGetValues(u, 1, &zero, &first));
  }
  PetscCallMPI(MPI_Bcast(&first, 1, MPIU_SCALAR, 0, PETSC_COMM_WORLD));
  PetscCall(VecGetArray(t, &a));
  for (PetscInt i = PetscMax(lo, 1); i < hi; i++) a[i - lo] += first;
  PetscCall(VecRestoreArray(t, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootResidual(Root *r, Vec u, Vec F)
{
  PetscFunctionBeginUser;
  PetscCall(Distances(r, u, F));
  PetscCall(VecPointwiseMult(F, F, F));
  if (r->kind == BESIDE) PetscCall(VecShift(F, -1e-3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootJacobian(Root *r, Vec u, Mat J)
{
  const PetscScalar *a;
  PetscInt           lo, hi;
  Vec                t;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &t));
  PetscCall(Distances(r, u, t));
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(t, &a));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(J, i, i, 2.0 * a[i - lo], INSERT_VALUES));
    if (r->kind == PAIR && i) PetscCall(MatSetValue(J, i, 0, 2.0 * a[i - lo], INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(t, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(RootResidual((Root *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(RootJacobian((Root *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(RootResidual((Root *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ShellJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)J;
  PetscCall(RootJacobian((Root *)ctx, u, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* given: with J; type shell attaches, the SNES solves; exact: at the root itself, where J = 0 */
static PetscErrorCode TestRoot(RootKind kind, DiniType type, PetscBool given, PetscBool exact, const char what[])
{
  Root      r = {.kind = kind};
  Vec       ubar, mbar;
  KSP       ksp;
  PC        pc;
  PetscBool shell;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, 5, 5, 2, NULL, 1, NULL, &r.J));
  PetscCall(MatCreateVecs(r.J, &r.u, &r.m));
  PetscCall(VecSet(r.m, 1.0));
  PetscCall(VecSet(r.u, 2.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &r.snes));
  PetscCall(SNESSetFunction(r.snes, NULL, Residual, &r));
  PetscCall(SNESSetJacobian(r.snes, r.J, r.J, Jacobian, &r));
  PetscCall(SNESSetTolerances(r.snes, 1e-30, 1e-14, 0.0, 200, 5000));
  PetscCall(SNESGetKSP(r.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCREDUNDANT));
  PetscCall(PetscStrcmp(type, DINISHELL, &shell));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r.dini));
  if (shell) {
    PetscCall(DiniSetType(r.dini, DINISHELL));
    PetscCall(DiniSetResidual(r.dini, ShellResidual, &r));
    if (given) PetscCall(DiniSetJacobian(r.dini, r.J, r.J, ShellJacobian, &r));
  } else PetscCall(DiniSetSNES(r.dini, r.snes));
  if (!given) PetscCall(DiniSetJacobianType(r.dini, DINI_JACOBIAN_FD));
  PetscCall(DiniAddParameter(r.dini, "m", r.m, NULL));
  if (exact) {
    PetscCall(VecSet(r.u, 1.0));
    PetscCall(DiniAttach(r.dini, r.u));
  } else if (shell) {
    PetscCall(SNESSolve(r.snes, NULL, r.u));
    PetscCall(DiniAttach(r.dini, r.u));
  } else PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(DiniTestVec(r.u, 3, &ubar));
  PetscCall(VecDuplicate(r.m, &mbar));
  if (kind != BESIDE) {
    DiniTestExpect(DiniVJP(r.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "J is singular");
    DiniTestExpect(DiniJVP(r.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "J is singular");
  } else { /* a root of its own, with a bend: du/dm = 1 */
    PetscCall(DiniVJP(r.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, ubar, 1e-6, what));
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(DiniDestroy(&r.dini));
  PetscCall(SNESDestroy(&r.snes));
  PetscCall(MatDestroy(&r.J));
  PetscCall(VecDestroy(&r.u));
  PetscCall(VecDestroy(&r.m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRoot(SQUARE, DINISNES, PETSC_TRUE, PETSC_FALSE, "a double root"));
  PetscCall(TestRoot(PAIR, DINISNES, PETSC_TRUE, PETSC_FALSE, "double roots that share an unknown"));
  PetscCall(TestRoot(SQUARE, DINISNES, PETSC_FALSE, PETSC_FALSE, "a double root, J by differences"));
  PetscCall(TestRoot(PAIR, DINISHELL, PETSC_TRUE, PETSC_FALSE, "a double root, type shell"));
  PetscCall(TestRoot(SQUARE, DINISNES, PETSC_TRUE, PETSC_TRUE, "J = 0"));
  PetscCall(TestRoot(SQUARE, DINISHELL, PETSC_FALSE, PETSC_TRUE, "J = 0, by differences"));
  PetscCall(TestRoot(BESIDE, DINISNES, PETSC_TRUE, PETSC_FALSE, "roots apart from each other"));
  PetscCall(PetscFinalize());
  return 0;
}
