static char help[] = "Maps one after the other: u2(u1(m)). D2 D1 as a Mat product against factorisations, and "
                     "derivatives of derivatives: a\n"
                     "relation that is the optimality condition of another solve, against closed forms.\n";

#include "support/fixtures.h"

/* u1 from the linear fixture, u2 from the cubic one with m = u1 */
typedef struct {
  Linear first;
  Cubic  second;
  Mat    D[2], C; /* C = D[1] D[0] */
} Pair;

static PetscErrorCode ChainSolve(Pair *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniSolve(c->first.dini, c->first.u));
  PetscCall(VecCopy(c->first.u, c->second.m));
  PetscCall(DiniSolve(c->second.dini, c->second.u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PairCreate(PetscInt N, PetscBool pinned, Pair *c)
{
  PetscFunctionBeginUser;
  PetscCall(LinearCreate(N, &c->first));
  PetscCall(LinearDini(&c->first, DINIKSP, DINIPARAMETERMATRIX));
  PetscCall(CubicCreate(N, DiniTestScalar(0.5, 0.3), &c->second));
  PetscCall(CubicDini(&c->second, DINISNES, DINIPARAMETERRHS));
  PetscCall(ChainSolve(c));
  if (pinned) {
    PetscCall(DiniCreateDerivative(c->first.dini, c->first.p, &c->D[0]));
    PetscCall(DiniCreateDerivative(c->second.dini, c->second.p, &c->D[1]));
  } else {
    PetscCall(DiniGetDerivative(c->first.dini, &c->D[0]));
    PetscCall(DiniGetDerivative(c->second.dini, &c->D[1]));
    PetscCall(PetscObjectReference((PetscObject)c->D[0]));
    PetscCall(PetscObjectReference((PetscObject)c->D[1]));
  }
  PetscCall(MatCreateComposite(PETSC_COMM_WORLD, 2, c->D, &c->C)); /* the first one is applied first */
  PetscCall(MatCompositeSetType(c->C, MAT_COMPOSITE_MULTIPLICATIVE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PairDestroy(Pair *c)
{
  PetscFunctionBeginUser;
  PetscCall(MatDestroy(&c->C));
  PetscCall(MatDestroy(&c->D[0]));
  PetscCall(MatDestroy(&c->D[1]));
  PetscCall(LinearDestroy(&c->first));
  PetscCall(CubicDestroy(&c->second));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J1, F_m1 and J2 at the present states; F_m2 = -1 */
static PetscErrorCode PairReference(Pair *c, Mat *J1, Mat *Fm1, Mat *J2)
{
  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(c->first.A, MAT_DO_NOT_COPY_VALUES, J1));
  PetscCall(MatDuplicate(c->first.Fm, MAT_DO_NOT_COPY_VALUES, Fm1));
  PetscCall(MatDuplicate(c->second.S, MAT_DO_NOT_COPY_VALUES, J2));
  PetscCall(LinearAssemble(&c->first, *J1, c->first.c));
  PetscCall(LinearFill(&c->first, c->first.u, c->first.m, *Fm1));
  PetscCall(CubicJacobian(&c->second, c->second.u, *J2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChainAgrees(Pair *c, Mat J1, Mat Fm1, Mat J2, const char what[])
{
  Vec x, y, z, t;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(c->first.m, 7, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(VecDuplicate(x, &t));
  PetscCall(MatMult(c->C, x, y));
  PetscCall(DiniTestReferenceJVP(J1, Fm1, x, t));
  PetscCall(DiniTestDirectSolve(J2, PETSC_FALSE, t, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, what));
  PetscCall(MatMultHermitianTranspose(c->C, x, y));
  PetscCall(DiniTestDirectSolve(J2, PETSC_TRUE, x, t));
  PetscCall(DiniTestReferenceVJP(J1, Fm1, t, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, what));
  if (PetscDefined(USE_COMPLEX)) { /* the plain transpose, which is another operator there */
    PetscCall(VecConjugate(x));
    PetscCall(VecConjugate(z));
    PetscCall(MatMultTranspose(c->C, x, y));
    PetscCall(DiniTestVecsClose(y, z, 1e-8, what));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestChain(PetscInt N)
{
  Pair c;
  Mat  J1, Fm1, J2;

  PetscFunctionBeginUser;
  for (int pinned = 0; pinned < 2; pinned++) {
    PetscCall(PairCreate(N, (PetscBool)pinned, &c));
    PetscCall(PairReference(&c, &J1, &Fm1, &J2));
    PetscCall(ChainAgrees(&c, J1, Fm1, J2, "the chain"));
    PetscCall(VecScale(c.first.m, -0.6));
    PetscCall(ChainSolve(&c));
    if (!pinned) { /* the chain follows */
      PetscCall(MatDestroy(&J1));
      PetscCall(MatDestroy(&Fm1));
      PetscCall(MatDestroy(&J2));
      PetscCall(PairReference(&c, &J1, &Fm1, &J2));
    }
    PetscCall(ChainAgrees(&c, J1, Fm1, J2, pinned ? "the chain, where it was" : "the chain, elsewhere"));
    PetscCall(MatDestroy(&J1));
    PetscCall(MatDestroy(&Fm1));
    PetscCall(MatDestroy(&J2));
    PetscCall(PairDestroy(&c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The chain formed column by column, and the equations C x = y solved with it: a Mat among others */
static PetscErrorCode TestProducts(PetscInt N)
{
  Pair     c;
  Mat      E, C1, C2, full;
  Vec      x, y, z;
  KSP      ksp;
  PC       pc;
  PetscInt n, lo, hi;

  PetscFunctionBeginUser;
  PetscCall(PairCreate(N, PETSC_TRUE, &c));
  PetscCall(VecGetLocalSize(c.first.m, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, n, N, N, NULL, &E));
  PetscCall(MatGetOwnershipRange(E, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(E, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(E, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(E, MAT_FINAL_ASSEMBLY));
  PetscCall(MatMatMult(c.D[0], E, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &C1));
  PetscCall(MatMatMult(c.D[1], C1, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &full));
  PetscCall(DiniTestVec(c.first.m, 7, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(MatMult(c.C, x, y));
  PetscCall(MatMult(full, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, "the chain and its columns"));
  PetscCall(MatTransposeMatMult(c.D[1], E, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &C2)); /* D2^T */
  PetscCall(MatMultTranspose(c.D[1], x, y));
  PetscCall(MatMult(C2, x, z));
  PetscCall(DiniTestVecsClose(y, z, 1e-8, "the transposed derivative and its columns"));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOptionsPrefix(ksp, "chain_"));
  PetscCall(KSPSetOperators(ksp, c.C, c.C));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(ksp, 1e-9, PETSC_DEFAULT, PETSC_DEFAULT, 100));
  PetscCall(MatMult(c.C, x, y));
  PetscCall(KSPSolve(ksp, y, z));
  PetscCall(DiniTestVecsClose(x, z, 1e-5, "a solve with the chain"));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&E));
  PetscCall(MatDestroy(&C1));
  PetscCall(MatDestroy(&C2));
  PetscCall(MatDestroy(&full));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(PairDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The lower level: m minimises 1/2 |u(m) - p|^2 + alpha/2 |m|^2 with u + u^3 + a S u = m. The relation of the upper level is
  the condition g(m, p) = alpha m + (du/dm)^T (u - p) = 0, with the VJP of the lower Dini in its residual. J = g_m by
  differences of g, g_p = -(du/dm)^T as a pinned derivative.
*/
typedef struct {
  Cubic     lower;
  PetscReal alpha;
  Vec       m, p, t;
  Mat       D, H, B; /* D = -du/dm pinned, H for differences, B = D^T */
  SNES      snes;
  Dini      upper;
} Bilevel;

static PetscErrorCode Gradient(SNES snes, Vec m, Vec g, void *ctx)
{
  Bilevel *b = (Bilevel *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecCopy(m, b->lower.m));
  PetscCall(DiniSolve(b->lower.dini, b->lower.u));
  PetscCall(VecWAXPY(b->t, -1.0, b->p, b->lower.u));
  PetscCall(DiniVJP(b->lower.dini, b->t, g));
  PetscCall(VecAXPY(g, b->alpha, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillB(Dini upper, Vec m, Vec p, Mat B, void *ctx)
{
  Bilevel *b = (Bilevel *)ctx;

  PetscFunctionBeginUser;
  (void)upper;
  (void)p;
  (void)B;
  PetscCall(VecCopy(m, b->lower.m));
  PetscCall(DiniSolve(b->lower.dini, b->lower.u));
  PetscCall(DiniPinDerivative(b->D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BilevelCreate(PetscInt N, PetscScalar a, Bilevel *b)
{
  PetscInt n;
  KSP      ksp;

  PetscFunctionBeginUser;
  b->alpha = 0.3;
  PetscCall(CubicCreate(N, a, &b->lower));
  PetscCall(SNESGetKSP(b->lower.snes, &ksp));
  PetscCall(KSPSetTolerances(ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(CubicDini(&b->lower, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetTolerances(b->lower.dini, 1e-13, 1e-13));
  PetscCall(DiniSolve(b->lower.dini, b->lower.u));
  PetscCall(DiniCreateDerivative(b->lower.dini, b->lower.p, &b->D));
  PetscCall(MatScale(b->D, -1.0));
  PetscCall(MatCreateTranspose(b->D, &b->B));
  PetscCall(VecDuplicate(b->lower.m, &b->m));
  PetscCall(VecDuplicate(b->lower.m, &b->p));
  PetscCall(VecDuplicate(b->lower.m, &b->t));
  PetscCall(VecGetLocalSize(b->m, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, n, N, N, NULL, &b->H));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &b->snes));
  PetscCall(SNESSetFunction(b->snes, NULL, Gradient, b));
  PetscCall(SNESSetJacobian(b->snes, b->H, b->H, SNESComputeJacobianDefault, NULL));
  PetscCall(SNESSetTolerances(b->snes, 1e-12, 1e-11, 0.0, 50, 5000));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &b->upper));
  PetscCall(PetscObjectSetName((PetscObject)b->upper, "upper"));
  PetscCall(DiniSetSNES(b->upper, b->snes));
  PetscCall(DiniAddParameter(b->upper, "p", b->p, NULL));
  PetscCall(DiniSetParameterJacobian(b->upper, 0, b->B, FillB, b));
  PetscCall(DiniSetParameterType(b->upper, 0, DINIPARAMETERMATRIX));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BilevelDestroy(Bilevel *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&b->upper));
  PetscCall(SNESDestroy(&b->snes));
  PetscCall(MatDestroy(&b->B));
  PetscCall(MatDestroy(&b->D));
  PetscCall(MatDestroy(&b->H));
  PetscCall(VecDestroy(&b->m));
  PetscCall(VecDestroy(&b->p));
  PetscCall(VecDestroy(&b->t));
  PetscCall(CubicDestroy(&b->lower));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  With a = 0 everything is by entries: m = u + u^3, p = u + alpha m (1 + 3 u^2), so dm/dp = (1 + 3 u^2) / (dp/du) with
  dp/du = 1 + alpha ((1 + 3 u^2)^2 + 6 u m). At u = 1/2, alpha = 3/10: m = 5/8, q = 7/4, p = 53/64.
*/
static PetscErrorCode TestClosedForm(PetscInt N)
{
  const PetscReal u = 0.5, m = 0.625, q = 1.75, alpha = 0.3;
  Bilevel         b;
  Vec             x, y;

  PetscFunctionBeginUser;
  PetscCall(BilevelCreate(N, 0.0, &b));
  PetscCall(VecSet(b.p, u + alpha * m * q));
  PetscCall(VecSet(b.m, 0.0));
  PetscCall(DiniSolve(b.upper, b.m));
  PetscCall(VecDuplicate(b.m, &x));
  PetscCall(VecDuplicate(b.m, &y));
  PetscCall(VecSet(x, m));
  PetscCall(DiniTestVecsClose(b.m, x, 1e-8, "m*(p)"));
  PetscCall(VecSet(x, 1.0));
  PetscCall(DiniJVP(b.upper, x, y));
  PetscCall(VecSet(x, q / (1.0 + alpha * (q * q + 6.0 * u * m))));
  PetscCall(DiniTestVecsClose(y, x, 1e-5, "dm*/dp"));
  PetscCall(VecSet(y, 1.0));
  PetscCall(DiniVJP(b.upper, y, b.t));
  PetscCall(DiniTestVecsClose(b.t, x, 1e-5, "dm*/dp, adjoint"));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(BilevelDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With a /= 0: against central differences of solves of the upper level, for three directions; real throughout */
static PetscErrorCode TestBilevel(PetscInt N)
{
  const PetscReal h = 1e-4;
  Bilevel         b;
  Vec             p, dp, dm, plus, minus;

  PetscFunctionBeginUser;
  PetscCall(BilevelCreate(N, 0.4, &b));
  PetscCall(VecDuplicate(b.m, &p));
  PetscCall(VecDuplicate(b.m, &dm));
  PetscCall(VecDuplicate(b.m, &plus));
  PetscCall(VecDuplicate(b.m, &minus));
  PetscCall(VecDuplicate(b.m, &dp));
  PetscCall(DiniTestFill(p, 9));
  PetscCall(VecRealPart(p));
  PetscCall(DiniTestFill(dp, 10));
  PetscCall(VecRealPart(dp));
  PetscCall(VecWAXPY(b.p, h, dp, p));
  PetscCall(DiniSolve(b.upper, b.m));
  PetscCall(VecCopy(b.m, plus));
  PetscCall(VecWAXPY(b.p, -h, dp, p));
  PetscCall(DiniSolve(b.upper, b.m));
  PetscCall(VecCopy(b.m, minus));
  PetscCall(VecCopy(p, b.p));
  PetscCall(DiniSolve(b.upper, b.m));
  PetscCall(DiniJVP(b.upper, dp, dm));
  PetscCall(VecAXPY(plus, -1.0, minus));
  PetscCall(VecScale(plus, 0.5 / h));
  PetscCall(DiniTestVecsClose(dm, plus, 1e-4, "dm*/dp and differences of m*"));
  PetscCall(DiniTestDotProduct(b.upper, 1e-8));
  PetscCall(VecDestroy(&p));
  PetscCall(VecDestroy(&dp));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscCall(BilevelDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (PetscInt N = 1; N <= 10; N += N < 3 ? 2 : 7) PetscCall(TestChain(N));
  PetscCall(TestProducts(1));
  PetscCall(TestProducts(9));
  PetscCall(TestClosedForm(1));
  PetscCall(TestClosedForm(6));
  PetscCall(TestBilevel(2));
  PetscCall(TestBilevel(5));
  PetscCall(PetscFinalize());
  return 0;
}
