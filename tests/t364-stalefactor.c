static char help[] =
    "A factorisation left over by Newton belongs to the last iterate but one. As a solver it gives a wrong\n\
adjoint with a positive reason; as a preconditioner it gives the right one. Run with -ksp_type preonly -pc_type lu.\n";

#include "support/fixtures.h"

/* J^H lambda = g with whatever the SNES has left in its KSP, as is commonly done */
static PetscErrorCode Naive(SNES snes, Vec g, Vec lambda)
{
  KSP                ksp;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(VecConjugate(g));
  PetscCall(KSPSolveTranspose(ksp, g, lambda));
  PetscCall(VecConjugate(g));
  PetscCall(VecConjugate(lambda));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  DiniTestTrue(reason > 0, "The naive solve does not even claim to have converged");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAdjoint(void)
{
  Transport      t;
  Vec            g, naive, fresh, found, r;
  KSP            ksp;
  PetscBool      preonly;
  PetscReal      nr, ng;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(17, 13, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-4, 0.0, 50, 1000));
  PetscCall(SNESGetKSP(t.snes, &ksp));
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPPREONLY, &preonly));
  DiniTestTrue(preonly, "Run with -ksp_type preonly -pc_type lu");
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 5, &g));
  PetscCall(VecDuplicate(g, &naive));
  PetscCall(VecDuplicate(g, &fresh));
  PetscCall(VecDuplicate(g, &found));
  PetscCall(VecDuplicate(g, &r));
  PetscCall(Naive(t.snes, g, naive));
  PetscCall(DiniAdjointSolve(t.dini, g, found));
  {
    Mat J; /* the test's own, so that nothing of Dini's is touched */

    PetscCall(MatDuplicate(t.J, MAT_DO_NOT_COPY_VALUES, &J));
    PetscCall(TransportJacobian(&t, t.u, J));
    PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, g, fresh));
    PetscCall(MatMultHermitianTranspose(J, found, r));
    PetscCall(MatDestroy(&J));
  }
  PetscCall(VecAXPY(r, -1.0, g));
  PetscCall(VecNorm(r, NORM_2, &nr));
  PetscCall(VecNorm(g, NORM_2, &ng));
  PetscCall(DiniTestVecsClose(found, fresh, 1e-9, "adjoint and freshly factorised adjoint"));
  PetscCall(DiniTestVecsDiffer(naive, fresh, 1e-5, "naive and freshly factorised adjoint"));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.factorizations + s.pc_setups + s.refreshes, 0, "factorisations for the right adjoint");
  DiniTestTrue(s.adjoint_iterations >= 2 && s.adjoint_iterations <= 10,
               "%" PetscInt_FMT " iterations with the stale factor", s.adjoint_iterations);
  DiniTestClose(nr / ng, s.adjoint_residual, 0.0, 1e-10, "true relative residual");
  DiniTestTrue(nr <= 1.1e-10 * ng, "True relative residual %g", (double)(nr / ng));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&naive));
  PetscCall(VecDestroy(&fresh));
  PetscCall(VecDestroy(&found));
  PetscCall(VecDestroy(&r));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whole vectors through the rules, both directions. */
static PetscErrorCode TestRules(void)
{
  Transport t;
  Vec       ubar, mbar, dm, du, du_ref, mbar_ref;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(17, 13, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-4, 0.0, 50, 1000));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.u, 6, &ubar));
  PetscCall(DiniTestVec(t.m, 7, &dm));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  PetscCall(VecDuplicate(t.u, &du));
  PetscCall(VecDuplicate(t.u, &du_ref));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniJVP(t.dini, dm, du));
  PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
  PetscCall(TransportReferenceJVP(&t, dm, du_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-9, "VJP with a stale factor"));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-9, "JVP with a stale factor"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestAdjoint());
  PetscCall(TestRules());
  PetscCall(PetscFinalize());
  return 0;
}
