static char help[] =
    "Singular Jacobians and other hopeless cases: typed reasons on every rank, and an object that serves on.\n";

#include "support/fixtures.h"
#include <math.h>

/* u_i^2 = m_i, but for the last rows: at u = 0 the Jacobian diag(2 u) is singular, or zero. */
typedef struct {
  Vec       u, m;
  Mat       J;
  PetscBool nan;
  Dini      dini;
} Square;

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecAXPY(F, -1.0, ((Square *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(MatDiagonalSet(J, u, INSERT_VALUES));
  PetscCall(MatScale(J, 2.0));
  if (((Square *)ctx)->nan) PetscCall(MatScale(J, NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscInt N, Square *s)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  s->nan = PETSC_FALSE;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 1, NULL, 0, NULL, &s->J));
  PetscCall(MatGetOwnershipRange(s->J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(s->J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(s->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(s->J, &s->u, &s->m));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetType(s->dini, DINISHELL));
  PetscCall(DiniSetResidual(s->dini, Residual, s));
  PetscCall(DiniSetJacobian(s->dini, s->J, s->J, Jacobian, s));
  PetscCall(DiniAddParameter(s->dini, "m", s->m, NULL));
  PetscCall(DiniSetParameterType(s->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetGuard(s->dini, PETSC_FALSE)); /* it would see that the curvature is all there is */
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At u = 1 everything is regular: du/dm = 1/2 */
static PetscErrorCode Regular(Square *s, Vec ubar, Vec mbar)
{
  Vec ref;

  PetscFunctionBeginUser;
  PetscCall(VecSet(s->u, 1.0));
  PetscCall(VecSet(s->m, 1.0));
  PetscCall(DiniAttach(s->dini, s->u));
  PetscCall(DiniVJP(s->dini, ubar, mbar));
  PetscCall(VecDuplicate(ubar, &ref));
  PetscCall(VecCopy(ubar, ref));
  PetscCall(VecScale(ref, 0.5));
  PetscCall(DiniTestVecsClose(mbar, ref, 1e-10, "VJP at a regular point"));
  PetscCall(VecDestroy(&ref));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSingular(const char options[], PetscBool all)
{
  Square              s;
  Vec                 ubar, mbar, du;
  DiniConvergedReason reason;
  PetscReal           norm;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(Create(12, &s));
  PetscCall(DiniTestVec(s.u, 3, &ubar));
  PetscCall(VecDuplicate(s.m, &mbar));
  PetscCall(VecDuplicate(s.u, &du));
  PetscCall(VecSet(s.u, all ? 0.0 : 1.0));
  PetscCall(VecSet(s.m, all ? 0.0 : 1.0));
  if (!all) { /* one zero on the diagonal, on the first rank */
    PetscInt lo;

    PetscCall(VecGetOwnershipRange(s.u, &lo, NULL));
    if (lo == 0) PetscCall(VecSetValue(s.u, 0, 0.0, INSERT_VALUES));
    if (lo == 0) PetscCall(VecSetValue(s.m, 0, 0.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(s.u));
    PetscCall(VecAssemblyEnd(s.u));
    PetscCall(VecAssemblyBegin(s.m));
    PetscCall(VecAssemblyEnd(s.m));
  }
  PetscCall(DiniAttach(s.dini, s.u));
  DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "adjoint solve");
  DiniTestExpect(DiniJVP(s.dini, ubar, du), PETSC_ERR_NOT_CONVERGED, "tangent solve");
  PetscCall(DiniGetConvergedReason(s.dini, &reason));
  DiniTestTrue(reason == DINI_DIVERGED_TANGENT || reason == DINI_DIVERGED_PC_FAILED || reason == DINI_DIVERGED_NAN,
               "Reason %d at a singular J", (int)reason);
  /* the policy: a reason instead of an error, and nothing that could pass for a derivative */
  PetscCall(DiniSetErrorIfNotConverged(s.dini, PETSC_FALSE));
  PetscCall(DiniVJP(s.dini, ubar, mbar));
  PetscCall(DiniGetConvergedReason(s.dini, &reason));
  DiniTestTrue(reason < 0, "Reason %d at a singular J", (int)reason);
  PetscCall(VecNorm(mbar, NORM_2, &norm));
  DiniTestTrue(PetscIsInfOrNanReal(norm), "A derivative of size %g at a singular J", (double)norm);
  PetscCall(DiniSetErrorIfNotConverged(s.dini, PETSC_TRUE));
  PetscCall(Regular(&s, ubar, mbar));
  /* NaN in the Jacobian */
  s.nan = PETSC_TRUE;
  PetscCall(DiniAttach(s.dini, s.u));
  DiniTestExpectAny(DiniVJP(s.dini, ubar, mbar), "");
  s.nan = PETSC_FALSE;
  PetscCall(Regular(&s, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(DiniDestroy(&s.dini));
  PetscCall(MatDestroy(&s.J));
  PetscCall(VecDestroy(&s.u));
  PetscCall(VecDestroy(&s.m));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const char *options[] = {"-dini_pc_type jacobi", "-dini_pc_type bjacobi", "-dini_pc_type redundant",
                           "-dini_pc_type none -dini_direct_max 0"};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks());
  for (size_t k = 0; k < sizeof(options) / sizeof(*options); k++) {
    PetscCall(TestSingular(options[k], PETSC_FALSE));
    PetscCall(TestSingular(options[k], PETSC_TRUE));
  }
  PetscCall(PetscFinalize());
  return 0;
}
