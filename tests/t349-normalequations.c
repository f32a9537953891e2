static char help[] =
    "Methods for the normal equations as tangent and adjoint solvers, and the methods that are refused.\n";

#include "support/fixtures.h"

static PetscErrorCode TestMethod(const char type[])
{
  Transport      t;
  Vec            dm, du, ubar, mbar, expected[2];
  DiniStatistics s;
  char           options[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options), "-dini_tangent_ksp_type %s -dini_adjoint_ksp_type %s", type, type));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(5, 4, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(DiniTestVec(t.m, 1, &dm));
  PetscCall(DiniTestVec(t.u, 2, &ubar));
  PetscCall(VecDuplicate(t.u, &du));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.u, &expected[0]));
  PetscCall(VecDuplicate(t.m, &expected[1]));
  PetscCall(TransportReferenceJVP(&t, dm, expected[0]));
  PetscCall(TransportReferenceVJP(&t, ubar, expected[1]));
  PetscCall(DiniJVP(t.dini, dm, du));
  PetscCall(DiniTestVecsClose(du, expected[0], 1e-8, type));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected[1], 1e-8, type));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.tangent_rung, DINI_RUNG_EXPLICIT,
                "rung of the tangent solve: a method with a preconditioner of its own");
  DiniTestCount(s.adjoint_rung, DINI_RUNG_EXPLICIT, "rung of the adjoint solve");
  for (int k = 0; k < 2; k++) PetscCall(VecDestroy(&expected[k]));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRefused(const char type[])
{
  Cubic c;
  Vec   mbar;
  char  options[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(options, sizeof(options), "-dini_adjoint_ksp_type %s", type));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(CubicCreate(4, 0.3, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecDuplicate(c.m, &mbar));
  DiniTestExpect(DiniVJP(c.dini, c.u, mbar), PETSC_ERR_SUP, type);
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestMethod(KSPLSQR));
  PetscCall(TestMethod(KSPCGLS));
  if (PetscDefined(USE_COMPLEX)) PetscCall(TestRefused(KSPCGNE)); /* takes J^T J there */
  else PetscCall(TestMethod(KSPCGNE));
  PetscCall(TestRefused(KSPBICG));
  PetscCall(TestRefused(KSPQCG));
  PetscCall(TestRefused(KSPCHEBYSHEV));
  PetscCall(PetscFinalize());
  return 0;
}
