static char help[] = "Propagators: products and adjoints against tangents of the chain, windows put together; an "
                     "initial state found from data.\n";

#include "support/stepping.h"

static PetscErrorCode Create(const char options[], PetscReal q, Stepping *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(SteppingCreate(STEPPING_IMPLICIT, q == 0.0 ? STEPPING_ONE : STEPPING_STATE, s));
  PetscCall(DiniTestOptionsClear(options));
  s->q = q;
  PetscCall(DiniSolve(s->dini, s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P(0, 8) x along u_0 alone, P(3, 8) P(0, 3) x, and <y, P x> = <P^H y, x> */
static PetscErrorCode TestProducts(void)
{
  Stepping    s;
  Mat         whole, first, second, X, Y;
  Vec         x, y, z, w, dm, block, column;
  PetscScalar a, b;

  PetscFunctionBeginUser;
  PetscCall(Create("-ts_adapt_type none -ts_type theta -ts_theta_theta 0.5", 0.4, &s));
  PetscCall(DiniCreatePropagator(s.dini, 0, 8, &whole));
  PetscCall(DiniCreatePropagator(s.dini, 0, 3, &first));
  PetscCall(DiniCreatePropagator(s.dini, 3, 8, &second));
  PetscCall(DiniTestVec(s.u, 40, &x));
  PetscCall(DiniTestVec(s.u, 41, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(VecDuplicate(x, &w));
  PetscCall(DiniCreateParameterVec(s.dini, &dm));
  PetscCall(VecSet(dm, 0.0));
  PetscCall(DiniGetParameterSubVec(s.dini, dm, 2, &block));
  PetscCall(VecCopy(x, block));
  PetscCall(DiniRestoreParameterSubVec(s.dini, dm, 2, &block));
  PetscCall(DiniJVP(s.dini, dm, z));
  PetscCall(MatMult(whole, x, w));
  PetscCall(DiniTestVecsClose(w, z, 1e-11, "P x"));
  PetscCall(VecDot(w, y, &a));
  PetscCall(MatMultHermitianTranspose(whole, y, z));
  PetscCall(VecDot(x, z, &b));
  DiniTestClose(PetscAbsScalar(a - b), 0.0, 0.0, 1e-11 * PetscAbsScalar(a), "<y, P x> and <P^H y, x>");
  PetscCall(MatMult(first, x, z));
  PetscCall(MatMult(second, z, y));
  PetscCall(DiniTestVecsClose(y, w, 1e-11, "two windows"));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, 3, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &X));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(X, j, &column));
    PetscCall(VecCopy(x, column));
    PetscCall(VecScale(column, 1.0 + (PetscReal)j));
    PetscCall(MatDenseRestoreColumnVecWrite(X, j, &column));
  }
  PetscCall(MatMatMult(whole, X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &Y));
  PetscCall(VecScale(w, 2.0));
  PetscCall(MatDenseGetColumnVecRead(Y, 1, &column));
  PetscCall(DiniTestVecsClose(column, w, 1e-11, "P X"));
  PetscCall(MatDenseRestoreColumnVecRead(Y, 1, &column));
  DiniTestExpect(DiniCreatePropagator(s.dini, 3, 3, &Y), PETSC_ERR_ARG_OUTOFRANGE, "from a state to a later one");
  PetscCall(DiniSolve(s.dini, s.u));
  DiniTestExpect(MatMult(whole, x, y), PETSC_ERR_ARG_WRONGSTATE, "since this propagator was created");
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(MatDestroy(&whole));
  PetscCall(MatDestroy(&first));
  PetscCall(MatDestroy(&second));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&dm));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRefused(void)
{
  Stepping s;
  Mat      P;

  PetscFunctionBeginUser;
  PetscCall(Create("-ts_adapt_type none -ts_type bdf", 0.0, &s));
  DiniTestExpect(DiniCreatePropagator(s.dini, 0, 3, &P), PETSC_ERR_SUP, "propagators are for steps that read one");
  PetscCall(SteppingDestroy(&s));
  PetscCall(Create("-ts_adapt_type none -dini_checkpoints 3", 0.0, &s));
  DiniTestExpect(DiniCreatePropagator(s.dini, 0, 3, &P), PETSC_ERR_SUP, "A propagator needs all states");
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if !defined(PETSC_USE_COMPLEX)
/* 4D-Var without a background: the initial state from all that is seen at three times */
static PetscErrorCode TestInitial(void)
{
  Stepping s;
  Vec      d, truth, m;
  Tao      tao;

  PetscFunctionBeginUser;
  PetscCall(Create("-ts_adapt_type none -ts_type cn", 0.0, &s));
  s.q = 0.4;
  PetscCall(VecDuplicate(s.u0, &truth));
  PetscCall(VecCopy(s.u0, truth));
  PetscCall(DiniSolve(s.dini, s.u));
  for (PetscInt n = 2; n <= 6; n += 2) {
    PetscReal t;
    Vec       u;

    PetscCall(DiniGetChainState(s.dini, n, &t, &u));
    PetscCall(VecDuplicate(u, &d));
    PetscCall(VecCopy(u, d));
    PetscCall(DiniAddChainObservation(s.dini, t, NULL, d, NULL));
    PetscCall(VecDestroy(&d));
  }
  PetscCall(DiniSetParameterActive(s.dini, 0, PETSC_FALSE));
  PetscCall(DiniSetParameterActive(s.dini, 1, PETSC_FALSE));
  PetscCall(DiniCreateParameterVec(s.dini, &m));
  PetscCall(VecScale(m, 0.5));
  PetscCall(DiniSetParameters(s.dini, m));
  PetscCall(DiniSetState(s.dini, s.u));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(DiniSetTao(s.dini, tao));
  PetscCall(TaoSetTolerances(tao, 1e-12, 1e-14, 1e-12));
  PetscCall(TaoSolve(tao));
  PetscCall(DiniTestVecsClose(s.u0, truth, 1e-6, "the initial state"));
  PetscCall(TaoDestroy(&tao));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&truth));
  PetscCall(SteppingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestProducts());
  PetscCall(TestRefused());
#if !defined(PETSC_USE_COMPLEX)
  PetscCall(TestInitial());
#endif
  PetscCall(PetscFinalize());
  return 0;
}
