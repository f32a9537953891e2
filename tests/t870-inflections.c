static char help[] = "Differences where F's second derivative vanishes and the third does not, in m and in u, and what "
                     "they say of themselves.\n";

#include "support/dinitest.h"

/*
  s(u_i) + 0.1 u_{i-1} = g(m_i) in groups of three, where one of g and s is the identity and the other one a law with an
  inflection at the first of the three.
*/
typedef struct Law Law;
struct Law {
  const char *name;
  PetscReal (*g)(PetscReal m);
  PetscReal (*derivative)(PetscReal m);
};

static const PetscReal values[3] = {0.0, 1.5, 3.0};

static PetscReal Tanh(PetscReal m)
{
  return m + PetscTanhReal(m / 1e-3);
}

static PetscReal TanhD(PetscReal m)
{
  return 1.0 + 1e3 * (1.0 - PetscSqr(PetscTanhReal(m / 1e-3)));
}

static PetscReal Sharp(PetscReal m)
{
  return m + 1e-3 * PetscAtanReal(m / 1e-3);
}

static PetscReal SharpD(PetscReal m)
{
  return 1.0 + 1.0 / (1.0 + PetscSqr(m / 1e-3));
}

static PetscReal Wave(PetscReal m)
{
  return m + 1e-3 * PetscSinReal(1e4 * m);
}

static PetscReal WaveD(PetscReal m)
{
  return 1.0 + 10.0 * PetscCosReal(1e4 * m);
}

static PetscReal Steep(PetscReal m)
{
  return m + m * m * m / (PetscSqr(1e-4) + m * m);
}

static PetscReal SteepD(PetscReal m)
{
  const PetscReal w = PetscSqr(1e-4) + m * m;

  return 1.0 + (3.0 * m * m * w - 2.0 * m * m * m * m) / (w * w);
}

static PetscReal Edge(PetscReal m) /* m >= -1e-9 only */
{
  return PetscSqrtReal(m + 1e-9);
}

static PetscReal EdgeD(PetscReal m)
{
  return 0.5 / PetscSqrtReal(m + 1e-9);
}

static PetscReal Identity(PetscReal m)
{
  return m;
}

static PetscReal One(PetscReal m)
{
  (void)m;
  return 1.0;
}

static const Law laws[] = {
    {"tanh", Tanh, TanhD},    {"sharp", Sharp, SharpD}, {"wave", Wave, WaveD},
    {"steep", Steep, SteepD}, {"edge", Edge, EdgeD},
};
static const Law plain = {"plain", Identity, One};

typedef struct {
  const Law *inm, *inu;
  Vec        u, m, r;
  Mat        J, pattern;
  SNES       snes;
  Dini       dini;
} Row;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Row               *p = (Row *)ctx;
  const PetscScalar *a, *b;
  PetscScalar       *f;
  PetscInt           n;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(p->m, &b));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < n; i++) /* by threes, which stay on a rank */
    f[i] = (*p->inu->g)(PetscRealPart(a[i])) + (i % 3 ? 0.1 * a[i - 1] : 0.0) - (*p->inm->g)(PetscRealPart(b[i]));
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(p->m, &b));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Row               *p = (Row *)ctx;
  const PetscScalar *a;
  PetscInt           first, last;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = first; i < last; i++) {
    PetscCall(MatSetValue(J, i, i, (*p->inu->derivative)(PetscRealPart(a[i - first])), INSERT_VALUES));
    if (i % 3) PetscCall(MatSetValue(J, i, i - 1, 0.1, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m = values in turn where the law is in m; where it is in u, m such that u is */
static PetscErrorCode Set(Row *p)
{
  PetscScalar *m;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(p->m, &n));
  PetscCall(VecGetArray(p->m, &m));
  for (PetscInt i = 0; i < n; i++) {
    m[i] = values[i % 3];
    if (p->inu != &plain) m[i] = (*p->inu->g)(values[i % 3]) + (i % 3 ? 0.1 * values[i % 3 - 1] : 0.0);
  }
  PetscCall(VecRestoreArray(p->m, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode State(Row *p)
{
  PetscScalar *u;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(p->u, &n));
  PetscCall(VecGetArray(p->u, &u));
  for (PetscInt i = 0; i < n; i++) u[i] = values[i % 3];
  PetscCall(VecRestoreArray(p->u, &u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const Law *inm, const Law *inu, PetscBool coloring, Row *p)
{
  KSP ksp;
  PC  pc;

  PetscFunctionBeginUser;
  p->inm = inm;
  p->inu = inu;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 3, PETSC_DETERMINE, &p->u));
  PetscCall(VecDuplicate(p->u, &p->m));
  PetscCall(VecDuplicate(p->u, &p->r));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, 3, 3, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &p->J));
  PetscCall(MatSetUp(p->J));
  PetscCall(Set(p));
  PetscCall(VecCopy(p->m, p->u));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetFunction(p->snes, p->r, Residual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, Jacobian, p));
  PetscCall(Jacobian(p->snes, p->u, p->J, p->J, p));
  PetscCall(MatDuplicate(p->J, MAT_DO_NOT_COPY_VALUES, &p->pattern));
  PetscCall(SNESSetTolerances(p->snes, 1e-15, 1e-14, 0.0, 60, 1000));
  PetscCall(SNESGetKSP(p->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCBJACOBI));
  PetscCall(SNESSetFromOptions(p->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetSNES(p->dini, p->snes));
  PetscCall(DiniAddParameter(p->dini, "m", p->m, NULL));
  if (coloring) PetscCall(DiniSetParameterJacobian(p->dini, 0, p->pattern, NULL, NULL));
  PetscCall(DiniSetFromOptions(p->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Row *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(SNESDestroy(&p->snes));
  PetscCall(MatDestroy(&p->J));
  PetscCall(MatDestroy(&p->pattern));
  PetscCall(VecDestroy(&p->u));
  PetscCall(VecDestroy(&p->m));
  PetscCall(VecDestroy(&p->r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient of the sum of u, entry by entry: lambda by back substitution; what is said of its error covers it */
static PetscErrorCode Right(Row *p, PetscReal rtol, const char what[])
{
  Vec                ones, mbar;
  const PetscScalar *g, *u, *m;
  DiniStatistics     s;
  PetscReal          lambda = 0.0, worst = 0.0;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->u, &ones));
  PetscCall(VecDuplicate(p->u, &mbar));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniVJP(p->dini, ones, mbar));
  PetscCall(DiniGetStatistics(p->dini, &s));
  PetscCall(VecGetArrayRead(mbar, &g));
  PetscCall(VecGetArrayRead(p->u, &u));
  PetscCall(VecGetArrayRead(p->m, &m));
  for (PetscInt i = 2; i >= 0; i--) {
    PetscReal right;

    lambda = (1.0 - (i < 2 ? 0.1 * lambda : 0.0)) / (*p->inu->derivative)(PetscRealPart(u[i]));
    right  = lambda * (*p->inm->derivative)(PetscRealPart(m[i]));
    worst  = PetscMax(worst, PetscAbsScalar(g[i] - right) / PetscAbsReal(right));
  }
  PetscCall(VecRestoreArrayRead(p->m, &m));
  PetscCall(VecRestoreArrayRead(p->u, &u));
  PetscCall(VecRestoreArrayRead(mbar, &g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&mbar));
  DiniTestTrue(worst <= rtol, "%s: off by %g, said to be %g", what, (double)worst, (double)s.gradient_error);
  DiniTestTrue(worst <= 10.0 * s.gradient_error + 1e-10, "%s: off by %g, said to be %g", what, (double)worst,
               (double)s.gradient_error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Row p;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(laws); k++)
    for (int coloring = 0; coloring < 2; coloring++) {
      PetscCall(Create(&laws[k], &plain, (PetscBool)coloring, &p));
      PetscCall(VecShift(p.m, 2.0)); /* the guards are past when the inflection comes */
      PetscCall(DiniSolve(p.dini, p.u));
      PetscCall(Right(&p, 5e-7, laws[k].name)); /* sin(5e4) has lost digits */
      PetscCall(VecShift(p.m, -2.0));
      PetscCall(DiniSolve(p.dini, p.u));
      PetscCall(Right(&p, 5e-7, laws[k].name)); /* sin(5e4) has lost digits */
      PetscCall(Destroy(&p));
    }
  for (size_t k = 1; k < 4; k++)
    for (int way = 0; way < 2; way++) { /* J by differences, as -snes_fd asks for, at a state that is known */
      const char *option = way ? "-snes_fd" : "-dini_jacobian_type coloring";

      PetscCall(DiniTestOptionsSet(option));
      PetscCall(Create(&plain, &laws[k], PETSC_FALSE, &p));
      PetscCall(State(&p));
      PetscCall(DiniAttach(p.dini, p.u));
      PetscCall(Right(&p, 5e-7, laws[k].name)); /* sin(5e4) has lost digits */
      PetscCall(Destroy(&p));
      PetscCall(DiniTestOptionsClear(option));
    }
  PetscCall(PetscFinalize());
  return 0;
}
