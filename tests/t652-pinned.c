static char help[] = "A derivative pinned to a point: its products stay those of the point, wherever the Dini goes.\n";

#include "support/nest.h"

/* The product and the adjoint product of D against J^{-1} and F_m, dense or not, by factorisation */
static PetscErrorCode Agrees(Mat D, Mat J, Mat Fm, const char what[])
{
  Vec x, y, z;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(D, &x, &y));
  PetscCall(VecDuplicate(y, &z));
  PetscCall(DiniTestFill(x, 11));
  PetscCall(MatMult(D, x, y));
  PetscCall(DiniTestReferenceJVP(J, Fm, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, what));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(DiniTestFill(y, 12));
  PetscCall(MatMultHermitianTranspose(D, y, x));
  PetscCall(DiniTestReferenceVJP(J, Fm, y, z));
  PetscCall(DiniTestVecsClose(x, z, 1e-8, what));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns of several right-hand sides are those of one at a time, also away from the point */
static PetscErrorCode Columns(Mat D)
{
  Mat X, Y;
  Vec x, y, column;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(D, &x, &y));
  {
    PetscInt n, N;

    PetscCall(VecGetLocalSize(x, &n));
    PetscCall(VecGetSize(x, &N));
    PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &X));
  }
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(X, j, &column));
    PetscCall(DiniTestFill(x, 20 + j));
    PetscCall(VecCopy(x, column));
    PetscCall(MatDenseRestoreColumnVecWrite(X, j, &column));
  }
  PetscCall(MatMatMult(D, X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &Y));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(DiniTestFill(x, 20 + j));
    PetscCall(MatMult(D, x, y));
    PetscCall(MatDenseGetColumnVecRead(Y, j, &column));
    PetscCall(DiniTestVecsClose(column, y, 1e-8, "many columns of a pinned derivative"));
    PetscCall(MatDenseRestoreColumnVecRead(Y, j, &column));
  }
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two points of A(m) u = b(m) through each type; the parameter of the application stays at the second one. */
static PetscErrorCode TestTypes(DiniType type, PetscInt N)
{
  Linear l;
  Mat    D[2], J[2], Fm[2];
  Vec    m, x, y;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &l));
  PetscCall(LinearDini(&l, type, DINIPARAMETERMATRIX));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecScale(l.m, k ? -0.5 : 1.0));
    PetscCall(DiniSolve(l.dini, l.u));
    PetscCall(DiniCreateDerivative(l.dini, k ? l.p : DINI_ALL_PARAMETERS, &D[k]));
    PetscCall(MatDuplicate(l.A, MAT_DO_NOT_COPY_VALUES, &J[k]));
    PetscCall(MatDuplicate(l.Fm, MAT_DO_NOT_COPY_VALUES, &Fm[k]));
    PetscCall(LinearAssemble(&l, J[k], l.c));
    PetscCall(LinearFill(&l, l.u, l.m, Fm[k]));
  }
  PetscCall(VecDuplicate(l.m, &m));
  PetscCall(VecDuplicate(l.m, &x));
  PetscCall(VecDuplicate(l.m, &y));
  PetscCall(VecCopy(l.m, m));
  PetscCall(Agrees(D[1], J[1], Fm[1], "at the present point"));
  PetscCall(DiniVJP(l.dini, m, x)); /* which has not moved the Dini */
  PetscCall(Agrees(D[0], J[0], Fm[0], "at the first point"));
  PetscCall(DiniTestVecsClose(l.m, m, 0.0, "the application's own parameter"));
  DiniTestExpect(DiniVJP(l.dini, m, x), PETSC_ERR_ARG_WRONGSTATE, "pinned");
  DiniTestExpect(DiniJVP(l.dini, m, x), PETSC_ERR_ARG_WRONGSTATE, "DiniSolve()");
  PetscCall(Agrees(D[1], J[1], Fm[1], "at the second point again"));
  DiniTestExpect(DiniVJP(l.dini, m, x), PETSC_ERR_ARG_WRONGSTATE, "pinned");
  DiniTestExpect(DiniPinDerivative(D[0]), PETSC_ERR_ARG_WRONGSTATE, "DiniSolve()");
  PetscCall(Columns(D[0]));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniVJP(l.dini, m, x));
  PetscCall(DiniTestReferenceVJP(J[1], Fm[1], m, y));
  PetscCall(DiniTestVecsClose(x, y, 1e-8, "the Dini itself, after another solve"));
  /* the application writes into its Vecs without a solve: products of pinned derivatives leave that alone */
  PetscCall(VecScale(l.m, 3.0));
  PetscCall(VecSet(l.u, 7.0));
  PetscCall(VecCopy(l.m, m));
  for (int k = 0; k < 2; k++) PetscCall(Agrees(D[k], J[k], Fm[k], "beside what the application is writing"));
  PetscCall(DiniTestVecsClose(l.m, m, 0.0, "the application's own parameter"));
  PetscCall(DiniSolve(l.dini, l.u));
  PetscCall(DiniPinDerivative(D[0]));
  PetscCall(LinearAssemble(&l, J[0], l.c));
  PetscCall(LinearFill(&l, l.u, l.m, Fm[0]));
  PetscCall(Agrees(D[0], J[0], Fm[0], "pinned anew"));
  PetscCall(Agrees(D[1], J[1], Fm[1], "left where it was"));
  PetscCall(Agrees(D[0], J[0], Fm[0], "pinned anew, from elsewhere"));
  for (int k = 0; k < 2; k++) {
    PetscCall(MatDestroy(&D[k]));
    PetscCall(MatDestroy(&J[k]));
    PetscCall(MatDestroy(&Fm[k]));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u + s^2 u^3 = m with the scalar s in the application's variable, m handed over by an update callback */
typedef struct {
  PetscScalar s;
  Vec         m, d;
} Scaled;

static PetscErrorCode ScaledUpdate(Dini dini, Vec m, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(m, ((Scaled *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScaledResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Scaled *a = (Scaled *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(a->d, u, u));
  PetscCall(VecPointwiseMult(a->d, a->d, u));
  PetscCall(VecWAXPY(F, a->s * a->s, a->d, u));
  PetscCall(VecAXPY(F, -1.0, a->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScaledJacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Scaled *a = (Scaled *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  PetscCall(VecPointwiseMult(a->d, u, u));
  PetscCall(VecScale(a->d, 3.0 * a->s * a->s));
  PetscCall(VecShift(a->d, 1.0));
  PetscCall(MatDiagonalSet(J, a->d, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du/ds = -2 s u^3 / (1 + 3 s^2 u^2) */
static PetscErrorCode TestScalars(PetscInt N)
{
  Scaled         a = {.s = 0.5};
  Dini           dini;
  Mat            J, D;
  Vec            u, m, s, du, x;
  PetscInt       n, p;
  PetscReal      error;
  DiniStatistics before, after;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &u));
  PetscCall(VecDuplicate(u, &m));
  PetscCall(VecDuplicate(u, &a.m));
  PetscCall(VecDuplicate(u, &a.d));
  PetscCall(VecDuplicate(u, &du));
  PetscCall(VecDuplicate(u, &x));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 1, NULL, 0, NULL, &J));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, ScaledResidual, &a));
  PetscCall(DiniSetJacobian(dini, J, J, ScaledJacobian, &a));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniSetParameterUpdate(dini, 0, ScaledUpdate, &a));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniAddScalarParameter(dini, "s", &a.s, &p));
  PetscCall(VecSet(u, 2.0));
  PetscCall(VecSet(m, 4.0)); /* 2 + 8/4 */
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniCreateDerivative(dini, p, &D));
  PetscCall(MatCreateVecs(D, &s, NULL));
  PetscCall(VecSet(s, 1.0));
  PetscCall(VecSet(x, -8.0 / 4.0));
  PetscCall(MatMult(D, s, du));
  PetscCall(DiniTestVecsClose(du, x, 1e-6, "du/ds"));
  /* on to s = 1, u = 1, m = 2; and beyond, with values that nobody has solved for */
  a.s = 1.0;
  PetscCall(VecSet(u, 1.0));
  PetscCall(VecSet(m, 2.0));
  PetscCall(DiniAttach(dini, u));
  a.s = 3.0;
  PetscCall(VecSet(m, 5.0));
  PetscCall(MatMult(D, s, du));
  PetscCall(DiniTestVecsClose(du, x, 1e-6, "du/ds, from elsewhere"));
  DiniTestClose(PetscRealPart(a.s), 3.0, 0.0, 0.0, "the application's scalar");
  PetscCall(VecShift(m, -5.0));
  PetscCall(VecNorm(m, NORM_INFINITY, &error));
  DiniTestTrue(error == 0.0, "The application's parameter has been changed");
  /* once it is there, products cost no assembly */
  PetscCall(DiniGetStatistics(dini, &before));
  PetscCall(MatMult(D, s, du));
  PetscCall(MatMultHermitianTranspose(D, x, s));
  PetscCall(DiniGetStatistics(dini, &after));
  DiniTestCount(after.jacobian_assemblies, before.jacobian_assemblies, "Jacobian assemblies of further products");
  PetscCall(VecSet(s, 1.0));
  a.s = 1.0;
  PetscCall(VecSet(m, 2.0));
  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniPinDerivative(D));
  PetscCall(MatMult(D, s, du));
  PetscCall(VecSet(x, -0.5));
  PetscCall(DiniTestVecsClose(du, x, 1e-6, "du/ds at the second point"));
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&D));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&s));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&a.m));
  PetscCall(VecDestroy(&a.d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each way to have no derivative any more is an error that says what to do, and the object serves afterwards. */
static PetscErrorCode TestRefusals(void)
{
  Nest n;
  Mat  D, all;
  Vec  x, y, z, flat;

  PetscFunctionBeginUser;
  PetscCall(NestCreate(7, &n));
  PetscCall(DiniTestVec(n.u, 1, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  DiniTestExpect(DiniPinDerivative(n.S), PETSC_ERR_SUP, "DiniCreateDerivative()");
  PetscCall(DiniGetDerivative(n.inner, &D));
  DiniTestExpect(DiniPinDerivative(D), PETSC_ERR_SUP, "DiniCreateDerivative()");
  DiniTestExpect(DiniCreateDerivative(n.inner, 2, &D), PETSC_ERR_ARG_OUTOFRANGE, "Dini \"inner\"");
  PetscCall(DiniSetParameterActive(n.inner, 1, PETSC_FALSE));
  DiniTestExpect(DiniCreateDerivative(n.inner, 1, &D), PETSC_ERR_ARG_WRONG, "inactive");
  DiniTestExpect(MatMult(n.Du, x, y), PETSC_ERR_ARG_WRONGSTATE, "DiniCreateDerivative()");
  DiniTestExpect(DiniPinDerivative(n.Du), PETSC_ERR_ARG_WRONGSTATE, "switched on or off");
  PetscCall(DiniSetParameterActive(n.inner, 1, PETSC_TRUE));
  PetscCall(MatMult(n.Du, x, y));
  PetscCall(DiniCreateDerivative(n.inner, DINI_ALL_PARAMETERS, &all));
  PetscCall(DiniCreateParameterVec(n.inner, &flat));
  PetscCall(MatMult(all, flat, z));
  DiniTestExpectAny(MatMult(all, x, z), "");
  /* something changes that is no parameter: the point is none any more */
  n.hidden = 0.25;
  PetscCall(VecShift(n.uin, 1.0));
  PetscCall(DiniSolve(n.inner, n.v));
  DiniTestExpect(MatMult(n.Du, x, z), PETSC_ERR_ARG_WRONGSTATE, "Dini \"inner\": the state that this derivative");
  n.hidden = 0.0;
  PetscCall(MatMult(n.Du, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-10, "the same point again"));
  PetscCall(DiniReset(n.inner));
  DiniTestExpect(MatMult(n.Du, x, z), PETSC_ERR_ARG_WRONGSTATE, "DiniPinDerivative()");
  DiniTestExpect(DiniPinDerivative(n.Du), PETSC_ERR_ORDER, "DiniSolve()");
  PetscCall(VecShift(n.uin, -1.0));
  PetscCall(DiniSolve(n.inner, n.v));
  PetscCall(DiniPinDerivative(n.Du));
  PetscCall(MatMult(n.Du, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, "pinned after a reset"));
  PetscCall(MatDestroy(&all));
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(NestDestroy(&n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hand(Dini dini, Vec m, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(m, (Vec)ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Vec of the block holds the values of the point, and the update callback was handed others last. */
static PetscErrorCode TestHanded(PetscBool solve)
{
  Curved c;
  Mat    D;
  Vec    own, m, x, y, z;

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(5, &c));
  PetscCall(VecDuplicate(c.m, &own));
  PetscCall(VecCopy(c.m, own));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c.dini));
  PetscCall(DiniSetSNES(c.dini, c.snes));
  PetscCall(DiniAddParameter(c.dini, "m", own, NULL));
  PetscCall(DiniSetParameterUpdate(c.dini, 0, Hand, c.m));
  PetscCall(DiniTestVec(own, 7, &x));
  PetscCall(VecDuplicate(own, &m));
  PetscCall(VecDuplicate(own, &y));
  PetscCall(VecDuplicate(own, &z));
  PetscCall(VecCopy(own, m));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniCreateDerivative(c.dini, DINI_ALL_PARAMETERS, &D));
  PetscCall(VecScale(own, 1.2));
  if (solve) PetscCall(DiniSolve(c.dini, c.u));
  else PetscCall(DiniComputeResidual(c.dini, c.u, y));
  PetscCall(VecCopy(m, own));
  PetscCall(MatMult(D, x, y));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, "a product after other values have been handed out"));
  PetscCall(MatDestroy(&D));
  PetscCall(VecDestroy(&own));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 10; N += N < 4 ? 3 : 6) {
    PetscCall(TestTypes(DINISNES, N));
    PetscCall(TestTypes(DINIKSP, N));
    PetscCall(TestTypes(DINISHELL, N));
    PetscCall(TestScalars(N));
  }
  PetscCall(TestRefusals());
  PetscCall(TestHanded(PETSC_FALSE));
  PetscCall(TestHanded(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
