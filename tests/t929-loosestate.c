static char help[] = "What a loose forward solve leaves in a part of u that A hardly moves: told, of the state, of "
                     "gradients and of tangents.\n";

#include "support/dinitest.h"

#define LOCAL 6 /* entries on each rank */

/* p A u = A v, A = H diag(1 ... 2, s) H with the reflection H = I - 2 w w^T / |w|^2: u = v / p, and du/dp = -v at p = 1 */
typedef struct {
  PetscReal   s;
  PetscScalar p;
  Vec         v, u, b;
  Mat         A;
  KSP         ksp;
  Dini        dini;
} System;

static PetscReal Weight(PetscInt i)
{
  return 0.3 + PetscCosReal(7.0 * (PetscReal)i);
}

static PetscReal Eigenvalue(const System *c, PetscInt N, PetscInt i)
{
  return i == N - 1 ? c->s : 1.0 + (PetscReal)i / (PetscReal)N;
}

/* p A, and H e, the part that A hardly moves */
static PetscErrorCode Fill(const System *c, Mat A, Vec part)
{
  PetscInt  lo, hi, N;
  PetscReal q = 0.0, S = 0.0;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &lo, &hi));
  PetscCall(MatGetSize(A, &N, NULL));
  for (PetscInt k = 0; k < N; k++) {
    q += PetscSqr(Weight(k));
    S += Eigenvalue(c, N, k) * PetscSqr(Weight(k));
  }
  for (PetscInt i = lo; i < hi; i++) {
    for (PetscInt j = 0; j < N; j++) {
      const PetscReal w = 2.0 * Weight(i) * Weight(j) / q, d = Eigenvalue(c, N, i), e = Eigenvalue(c, N, j);

      PetscCall(MatSetValue(A, i, j, c->p * ((i == j ? d : 0.0) - w * (d + e) + 2.0 * w * S / q), INSERT_VALUES));
    }
    PetscCall(VecSetValue(part, i, (i == N - 1 ? 1.0 : 0.0) - 2.0 * Weight(i) * Weight(N - 1) / q, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(part));
  PetscCall(VecAssemblyEnd(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Assemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  const System *c = (const System *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)P;
  PetscCall(Fill(c, A, b));
  PetscCall(MatMult(A, c->v, b));
  PetscCall(VecScale(b, 1.0 / c->p)); /* A v */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscReal s, KSPType type, PetscReal rtol, System *c)
{
  PC pc;

  PetscFunctionBeginUser;
  c->s = s;
  c->p = 1.0;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, LOCAL, PETSC_DETERMINE, &c->u));
  PetscCall(VecDuplicate(c->u, &c->b));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, LOCAL, LOCAL, PETSC_DETERMINE, PETSC_DETERMINE, NULL, &c->A));
  PetscCall(Fill(c, c->A, c->b));
  PetscCall(DiniTestVec(c->u, 3, &c->v));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &c->ksp));
  PetscCall(KSPSetOperators(c->ksp, c->A, c->A));
  PetscCall(KSPSetType(c->ksp, type));
  PetscCall(KSPSetTolerances(c->ksp, rtol, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(c->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetKSP(c->dini, c->ksp));
  PetscCall(DiniSetLinearSystem(c->dini, c->b, Assemble, c));
  PetscCall(DiniAddScalarParameter(c->dini, "p", &c->p, NULL));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(System *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(KSPDestroy(&c->ksp));
  PetscCall(MatDestroy(&c->A));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->b));
  PetscCall(VecDestroy(&c->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |x - y| / |y| */
static PetscErrorCode Apart(Vec x, Vec y, PetscReal *apart)
{
  PetscReal norm;
  Vec       d;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(x, &d));
  PetscCall(VecWAXPY(d, -1.0, x, y));
  PetscCall(VecNorm(d, NORM_2, apart));
  PetscCall(VecNorm(y, NORM_2, &norm));
  *apart /= norm;
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ubar is the part that A hardly moves, or all parts alike */
static PetscErrorCode TestGradient(PetscReal s, KSPType type, PetscReal rtol, PetscBool part)
{
  DiniStatistics t;
  System         c;
  Vec            ubar, mbar;
  PetscScalar    found, right;
  PetscReal      error, state;

  PetscFunctionBeginUser;
  PetscCall(Create(s, type, rtol, &c));
  PetscCall(DiniTestVec(c.u, 5, &ubar));
  if (part) PetscCall(Fill(&c, c.A, ubar));
  PetscCall(DiniCreateParameterVec(c.dini, &mbar));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(c.dini, &t));
  PetscCall(VecSum(mbar, &found));
  PetscCall(VecDot(ubar, c.v, &right)); /* v^H ubar */
  error = PetscAbsScalar(found + right) / PetscAbsScalar(right);
  PetscCall(Apart(c.u, c.v, &state));
  DiniTestTrue(error <= (rtol > 1e-7 ? 10.0 : 100.0) * t.gradient_error + 1e-9,
               "%s, s %g, rtol %g: a gradient is off by %g, told %g", type, (double)s, (double)rtol, (double)error,
               (double)t.gradient_error);
  DiniTestTrue(state <= 10.0 * t.state_error + 1e-9 && t.state_error <= 10.0 * state + 1e-9,
               "%s, s %g, rtol %g: the state is off by %g, told %g", type, (double)s, (double)rtol, (double)state,
               (double)t.state_error);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestTangent(PetscReal s, KSPType type, PetscReal rtol)
{
  DiniStatistics t;
  System         c;
  Vec            dm, du;
  PetscReal      error;

  PetscFunctionBeginUser;
  PetscCall(Create(s, type, rtol, &c));
  PetscCall(DiniCreateParameterVec(c.dini, &dm));
  PetscCall(VecSet(dm, -1.0));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniGetStatistics(c.dini, &t));
  PetscCall(Apart(du, c.v, &error));
  DiniTestTrue(error <= 10.0 * t.tangent_error + 1e-9, "%s, s %g, rtol %g: a tangent is off by %g, told %g", type,
               (double)s, (double)rtol, (double)error, (double)t.tangent_error);
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal small[] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6}, loose[] = {1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-9};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsSetValue(NULL, "-dini_parameter_p_affine", NULL));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(small); i++)
    for (size_t j = 0; j < PETSC_STATIC_ARRAY_LENGTH(loose); j++)
      for (int k = 0; k < 2; k++) {
        PetscCall(TestGradient(small[i], k ? KSPCG : KSPGMRES, loose[j], PETSC_TRUE));
        PetscCall(TestGradient(small[i], k ? KSPCG : KSPGMRES, loose[j], PETSC_FALSE));
        if (small[i] > 0.5e-5 && loose[j] > 1e-7) /* of what a loose solve does not see only an adjoint tells */
          PetscCall(TestTangent(small[i], k ? KSPCG : KSPGMRES, loose[j]));
      }
  PetscCall(PetscFinalize());
  return 0;
}
