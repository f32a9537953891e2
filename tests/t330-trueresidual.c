static char help[] =
    "The true residual is enforced: an adjoint solve is right to its tolerance or an error, whatever the\n\
preconditioner, the Krylov method or the user's own solve do.\n";

#include "support/fixtures.h"

/* The adjoint stops at its limit: the error names the solve, the reason and the residual, and passes with the limit. */
static PetscErrorCode TestLimit(void)
{
  const char options[] = "-dini_adjoint_ksp_max_it 2 -dini_direct_max 0";
  Transport  t;
  KSP        ksp;
  PC         pc;
  Vec        ubar, mbar, mbar_ref, du;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(6, 5, &t));
  PetscCall(SNESGetKSP(t.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  PetscCall(VecDuplicate(t.u, &du));
  PetscCall(DiniSolve(t.dini, t.u));
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "DIVERGED_ITS");
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "djoint solve");
  DiniTestExpect(DiniVJP(t.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "-dini_adjoint_rtol");
  {
    DiniConvergedReason reason;
    DiniStatistics      s;

    PetscCall(DiniGetConvergedReason(t.dini, &reason));
    DiniTestTrue(reason == DINI_DIVERGED_ADJOINT, "Converged reason %d after a failed adjoint", (int)reason);
    PetscCall(DiniGetStatistics(t.dini, &s));
    DiniTestTrue(s.adjoint_residual <= 1e-10, "A refused residual of %g is among the accepted ones",
                 (double)s.adjoint_residual);
  }
  PetscCall(DiniJVP(t.dini, ubar, du)); /* the tangent has limits of its own */
  PetscCall(DiniGetAdjointKSP(t.dini, &ksp));
  PetscCall(KSPSetTolerances(ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
  PetscCall(DiniTestVecsClose(mbar, mbar_ref, 1e-8, "VJP with the limit lifted"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(VecDestroy(&du));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A shell preconditioner whose transposed apply is that of another matrix, singular, huge or NaN. */
static PetscErrorCode TestWrongTranspose(DiniTranspose transpose, PetscReal apply, PetscReal scale)
{
  Cubic          c;
  CountingPC     count;
  KSP            ksp;
  PC             pc;
  Vec            ubar, mbar, lambda;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(23, DiniTestScalar(0.9, 0.4), &c));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(CountingPCSet(pc, &count));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetTranspose(c.dini, transpose));
  PetscCall(DiniTestVec(c.u, 2, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &lambda));
  PetscCall(DiniSolve(c.dini, c.u));
  count.transpose_scale = scale;
  count.apply_scale     = apply;
  {
    Mat J;

    PetscCall(MatDuplicate(c.J, MAT_DO_NOT_COPY_VALUES, &J));
    PetscCall(CubicJacobian(&c, c.u, J));
    PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, lambda));
    PetscCall(MatDestroy(&J));
  }
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(c.dini, ubar, mbar);
  PetscCall(DiniTestRightOrError(ierr, mbar, lambda, 1e-9, "a preconditioner with a wrong transpose", &right));
  if (scale == 1.0 && apply == 1.0) DiniTestTrue(right, "A right preconditioner fails: %s", DiniTestMessages());
  /* put right, the same object serves; the verdict on the native transpose is kept */
  PetscCall(DiniSetTranspose(c.dini, DINI_TRANSPOSE_AUTO));
  count.transpose_scale = 1.0;
  count.apply_scale     = 1.0;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, lambda, 1e-9, "VJP after the preconditioner was mended"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(CubicDestroy(&c));
  PetscCall(CountingPCDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HalfApply(PC pc, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  (void)pc;
  PetscCall(VecCopy(x, y));
  PetscCall(VecScale(y, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No transposed apply at all. */
static PetscErrorCode TestNoTranspose(void)
{
  Cubic          c;
  Mat            J;
  KSP            ksp;
  PC             pc;
  Vec            ubar, mbar, lambda;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(23, DiniTestScalar(0.9, 0.4), &c));
  PetscCall(SNESGetKSP(c.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetApply(pc, HalfApply));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(c.u, 2, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &lambda));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(MatDuplicate(c.S, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(CubicJacobian(&c, c.u, J));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, lambda));
  PetscCall(MatDestroy(&J));
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(c.dini, ubar, mbar);
  PetscCall(DiniTestRightOrError(ierr, mbar, lambda, 1e-9, "a preconditioner without transpose", &right));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&lambda));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The user's own adjoint solve is measured like any other. */
typedef struct {
  Cubic *c;
  Fault  fault;
} Own;

static PetscErrorCode OwnSolve(Dini dini, Vec r, Vec x, void *ctx)
{
  Own *own = (Own *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(CubicJacobian(own->c, own->c->u, own->c->Fm)); /* a spare Mat of the right pattern */
  PetscCall(DiniTestDirectSolve(own->c->Fm, PETSC_TRUE, r, x));
  PetscCall(FaultInject(own->fault, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestUserAdjoint(void)
{
  Cubic c;
  Own   own = {&c, FAULT_NONE};
  Vec   ubar, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(11, DiniTestScalar(0.9, 0.4), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(MatDuplicate(c.S, MAT_DO_NOT_COPY_VALUES, &c.Fm));
  PetscCall(DiniSetAdjointSolve(c.dini, OwnSolve, &own));
  PetscCall(DiniTestVec(c.u, 2, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(CubicJacobian(&c, c.u, c.Fm));
  PetscCall(DiniTestDirectSolve(c.Fm, PETSC_TRUE, ubar, expected));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP by the user's adjoint solve"));
  own.fault = FAULT_WRONG;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "djoint solve");
  own.fault = FAULT_NAN;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_FP, "djoint");
  own.fault = FAULT_ERROR;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_USER, "the callback broke everywhere");
  own.fault = FAULT_ERROR_ONE;
  DiniTestExpectAny(DiniVJP(c.dini, ubar, mbar), "the callback broke on the last rank");
  own.fault = FAULT_NONE;
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP after the user's adjoint solve was mended"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Any Krylov method of the user's choice, fit for the purpose or not. */
static PetscErrorCode TestKrylov(const char options[], PetscBool must)
{
  Transport      t;
  Vec            ubar, mbar, mbar_ref;
  PetscBool      right;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(6, 5, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(t.u, 3, &ubar));
  PetscCall(VecDuplicate(t.m, &mbar));
  PetscCall(VecDuplicate(t.m, &mbar_ref));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(t.dini, ubar, mbar);
  PetscCall(DiniTestRightOrError(ierr, mbar, mbar_ref, 1e-8, options, &right));
  if (must) DiniTestTrue(right, "%s fails: %s", options, DiniTestMessages());
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&mbar_ref));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscReal   scales[] = {1.0, 0.1, 0.0, -3.0, 1e12, (PetscReal)NAN};
  const char *const must[]   = {"-dini_adjoint_ksp_type gmres",
                                "-dini_adjoint_ksp_type gmres -dini_adjoint_ksp_pc_side right",
                                "-dini_adjoint_ksp_type gcr", "-dini_adjoint_ksp_gmres_restart 50",
                                "-dini_adjoint_pc_type redundant -dini_adjoint_ksp_type preonly"};
  const char        limit[]  = "-dini_adjoint_ksp_max_it 200"; /* what fails shall fail soon */
  const char *const may[]    = {"-dini_adjoint_ksp_type preonly", "-dini_adjoint_ksp_type richardson",
                                "-dini_adjoint_ksp_type cg",      "-dini_adjoint_ksp_type bcgs",
                                "-dini_adjoint_ksp_type tfqmr",   "-dini_adjoint_ksp_type minres",
                                "-dini_adjoint_ksp_type lsqr",    "-dini_adjoint_ksp_type bicg",
                                "-dini_adjoint_ksp_rtol 1e-2",    "-dini_adjoint_ksp_atol 1e-1"};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestLimit());
  PetscCall(DiniTestOptionsSet(limit));
  for (size_t k = 0; k < sizeof(scales) / sizeof(*scales); k++) {
    PetscCall(TestWrongTranspose(DINI_TRANSPOSE_AUTO, 1.0, scales[k]));
    PetscCall(TestWrongTranspose(DINI_TRANSPOSE_NATIVE, 1.0, scales[k]));
    PetscCall(TestWrongTranspose(DINI_TRANSPOSE_AUTO, scales[k], scales[k]));
  }
  PetscCall(TestNoTranspose());
  PetscCall(TestUserAdjoint());
  for (size_t k = 0; k < sizeof(must) / sizeof(*must); k++) PetscCall(TestKrylov(must[k], PETSC_TRUE));
  for (size_t k = 0; k < sizeof(may) / sizeof(*may); k++) PetscCall(TestKrylov(may[k], PETSC_FALSE));
  PetscCall(DiniTestOptionsClear(limit));
  PetscCall(TestKrylov("-dini_adjoint_ksp_norm_type none -dini_adjoint_ksp_max_it 3", PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
