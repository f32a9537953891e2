static char help[] =
    "Forward solves that are accepted as they should be, and refusals that name the cause and the cure.\n";

#include "support/fixtures.h"

/* A linear SNES as people run it: -snes_type ksponly, CG to 1e-5 in its preconditioned norm */
static PetscErrorCode TestLinearSNES(void)
{
  Linear    l, tight;
  Vec       ubar, mbar, expected;
  KSP       ksp;
  PC        pc;
  PetscReal bnorm;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(40, &l));
  PetscCall(SNESSetType(l.snes, SNESKSPONLY));
  PetscCall(SNESGetKSP(l.snes, &ksp));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(VecNorm(l.b, NORM_2, &bnorm)); /* another test of the KSP's stops it well above its rtol */
  PetscCall(KSPSetTolerances(ksp, 1e-5, 2e-3 * bnorm, PETSC_DEFAULT, 100));
  PetscCall(LinearDini(&l, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetAttachTolerances(l.dini, 1e-9, PETSC_DEFAULT)); /* |F| / |J u| is far above it */
  PetscCall(VecSet(l.u, 0.0));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(LinearCreate(40, &tight));
  PetscCall(LinearDini(&tight, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(tight.dini, tight.u));
  PetscCall(DiniTestVec(l.u, 5, &ubar));
  PetscCall(VecDuplicate(l.m, &mbar));
  PetscCall(VecDuplicate(l.m, &expected));
  PetscCall(DiniVJP(l.dini, ubar, mbar));
  PetscCall(DiniVJP(tight.dini, ubar, expected));
  PetscCall(DiniTestVecsClose(mbar, expected, 0.05, "gradient after a linear SNES"));
  /* no solution at all, with the option and the norm that decided */
  PetscCall(KSPSetTolerances(ksp, 1e-12, 1e6, PETSC_DEFAULT, 100));
  PetscCall(VecSet(l.u, 0.0));
  DiniTestExpect(DiniSolve(l.dini, l.u), PETSC_ERR_NOT_CONVERGED, "PRECONDITIONED norm. Lower -ksp_rtol (now 1e-12)");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(LinearDestroy(&l));
  PetscCall(LinearDestroy(&tight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Type ksp whose solver passes its own test far from a solution, and a SNES that stops by its step */
static PetscErrorCode TestWords(void)
{
  Linear l;
  Cubic  c;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(20, &l));
  PetscCall(KSPSetOptionsPrefix(l.ksp, "well_"));
  PetscCall(LinearDini(&l, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(KSPSetTolerances(l.ksp, 1e-12, 1e6, PETSC_DEFAULT, 100));
  PetscCall(VecSet(l.u, 0.0));
  DiniTestExpect(DiniSolve(l.dini, l.u), PETSC_ERR_NOT_CONVERGED, "Lower -well_ksp_rtol (now 1e-12)");
  PetscCall(LinearDestroy(&l));
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(SNESSetTolerances(c.snes, 1e-50, 1e-14, 0.9, 50, 1000));
  PetscCall(VecSet(c.u, 0.3));
  DiniTestExpect(DiniSolve(c.dini, c.u), PETSC_ERR_NOT_CONVERGED, "-snes_stol 0");
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Dirichlet values: J without the columns of the boundary rows, as after MatZeroRowsColumns() ---- */

typedef struct {
  Vec       m;
  Mat       A;
  PetscBool columns; /* J keeps them */
  PetscReal wrong;   /* relative error in the rest of J */
} Rod;

static PetscErrorCode RodResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Rod *r = (Rod *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MatMult(r->A, u, F));
  PetscCall(VecAXPY(F, -1.0, r->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RodJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Rod           *r    = (Rod *)ctx;
  const PetscInt zero = 0;
  PetscMPIInt    rank;

  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)P;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(MatCopy(r->A, J, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(J, 1.0 + r->wrong));
  if (!r->columns) PetscCall(MatZeroRowsColumns(J, rank ? 0 : 1, &zero, 1.0, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDirichlet(PetscBool columns, PetscReal wrong, const char words[])
{
  Rod      r = {.columns = columns, .wrong = wrong};
  Mat      J;
  Vec      u, w;
  Dini     dini;
  PetscInt lo, hi, N = 9;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &r.A));
  PetscCall(MatCreateVecs(r.A, &u, &r.m));
  PetscCall(VecDuplicate(u, &w));
  PetscCall(MatGetOwnershipRange(r.A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    if (i) PetscCall(MatSetValue(r.A, i, i - 1, -1.0, INSERT_VALUES));
    if (i && i + 1 < N) PetscCall(MatSetValue(r.A, i, i + 1, -1.0, INSERT_VALUES));
    if (!i) PetscCall(MatSetValue(r.A, i, 1, 0.0, INSERT_VALUES)); /* a pattern that is symmetric */
    PetscCall(MatSetValue(r.A, i, i, i ? 2.5 : 1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(r.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r.A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(r.A, MAT_COPY_VALUES, &J));
  PetscCall(VecSet(r.m, 1.0));
  PetscCall(DiniTestDirectSolve(r.A, PETSC_FALSE, r.m, u));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, RodResidual, &r));
  PetscCall(DiniSetJacobian(dini, J, J, RodJacobian, &r));
  PetscCall(DiniAddParameter(dini, "m", r.m, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniAttach(dini, u));
  if (words) DiniTestExpect(DiniVJP(dini, u, w), PETSC_ERR_ARG_WRONG, words);
  else PetscCall(DiniVJP(dini, u, w));
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&r.A));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&r.m));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLinearSNES());
  PetscCall(TestWords());
  PetscCall(TestDirichlet(PETSC_TRUE, 0.0, NULL));
  PetscCall(TestDirichlet(PETSC_FALSE, 0.0, "MatZeroRowsColumns()"));
  PetscCall(TestDirichlet(PETSC_TRUE, 0.1, "Picard"));
  PetscCall(TestDirichlet(PETSC_FALSE, 0.1, "Picard"));
  PetscCall(PetscFinalize());
  return 0;
}
