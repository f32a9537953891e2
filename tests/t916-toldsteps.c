static char help[] =
    "F_m by differences, whatever the formula and the step: what rounding and truncation leave is in the error that is\n\
told, also at the edge of a domain far from zero.\n";

#include "support/dinitest.h"

#define ROWS 3 /* on each rank */

/* 2 u + u^3 = g(m) row by row */
typedef struct {
  const char *name, *options;
  PetscReal (*g)(PetscReal m);
  PetscReal (*derivative)(PetscReal m);
  PetscReal values[ROWS];
  PetscReal most; /* what the error may be */
} Law;

typedef struct {
  const Law *law;
  Vec        u, m, r;
  Mat        J, pattern;
  SNES       snes;
  Dini       dini;
} Rows;

static PetscReal Exp(PetscReal m)
{
  return PetscExpReal(3.0 * m);
}

static PetscReal ExpD(PetscReal m)
{
  return 3.0 * PetscExpReal(3.0 * m);
}

static PetscReal Shifted(PetscReal m) /* from 1 on only */
{
  return PetscSqrtReal(m - 1.0);
}

static PetscReal ShiftedD(PetscReal m)
{
  return 0.5 / PetscSqrtReal(m - 1.0);
}

static PetscReal Arc(PetscReal m) /* from 0 to 1 only */
{
  return PetscSqrtReal(m) * PetscSqrtReal(1.0 - m);
}

static PetscReal ArcD(PetscReal m)
{
  return (0.5 - m) / (PetscSqrtReal(m) * PetscSqrtReal(1.0 - m));
}

static const Law laws[] = {
    {"exp", "", Exp, ExpD, {0.7, 0.4, 1.1}, 1e-9},
    {"exp, short steps", "-dini_parameter_m_step 1e-10", Exp, ExpD, {0.7, 0.4, 1.1}, 1e-5},
    {"exp, shorter steps", "-dini_parameter_m_step 1e-12", Exp, ExpD, {0.7, 0.4, 1.1}, 1e-3},
    {"exp, long steps", "-dini_parameter_m_step 1e-3", Exp, ExpD, {0.7, 0.4, 1.1}, 1e-5},
    {"exp, forward", "-dini_parameter_m_difference forward", Exp, ExpD, {0.7, 0.4, 1.1}, 1e-6},
    {"exp, short and forward",
     "-dini_parameter_m_difference forward -dini_parameter_m_step 1e-10",
     Exp,
     ExpD,
     {0.7, 0.4, 1.1},
     1e-5},
    {"edge at 1", "", Shifted, ShiftedD, {1.0 + 1e-9, 1.001, 2.0}, 1e-7},
    {"edges at 0 and 1", "", Arc, ArcD, {1e-10, 1.0 - 1e-10, 0.3}, 1e-7},
};

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Rows              *p = (Rows *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(p->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < ROWS; i++) f[i] = 2.0 * a[i] + a[i] * a[i] * a[i] - (*p->law->g)(PetscRealPart(m[i]));
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(p->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const PetscScalar *a;
  PetscInt           first;

  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &first, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < ROWS; i++)
    PetscCall(MatSetValue(J, first + i, first + i, 2.0 + 3.0 * a[i] * a[i], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const Law *law, PetscBool coloring, Rows *p)
{
  PetscScalar *m;

  PetscFunctionBeginUser;
  p->law = law;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, ROWS, PETSC_DETERMINE, &p->u));
  PetscCall(VecDuplicate(p->u, &p->m));
  PetscCall(VecDuplicate(p->u, &p->r));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, ROWS, ROWS, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &p->J));
  PetscCall(VecSet(p->u, 0.1));
  PetscCall(Jacobian(NULL, p->u, p->J, p->J, NULL));
  PetscCall(MatDuplicate(p->J, MAT_DO_NOT_COPY_VALUES, &p->pattern));
  PetscCall(VecGetArray(p->m, &m));
  for (PetscInt i = 0; i < ROWS; i++) m[i] = law->values[i];
  PetscCall(VecRestoreArray(p->m, &m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetFunction(p->snes, p->r, Residual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, Jacobian, p));
  PetscCall(SNESSetTolerances(p->snes, PETSC_DEFAULT, 1e-13, 0.0, 100, PETSC_DEFAULT));
  PetscCall(DiniTestOptionsSet(law->options));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetSNES(p->dini, p->snes));
  PetscCall(DiniAddParameter(p->dini, "m", p->m, NULL));
  if (coloring) PetscCall(DiniSetParameterJacobian(p->dini, 0, p->pattern, NULL, NULL));
  PetscCall(DiniSetFromOptions(p->dini));
  PetscCall(DiniTestOptionsClear(law->options));
  PetscCall(DiniSolve(p->dini, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entry by entry */
static PetscErrorCode Error(Rows *p, Vec v, PetscReal *error)
{
  const PetscScalar *a, *m, *found;

  PetscFunctionBeginUser;
  *error = 0.0;
  PetscCall(VecGetArrayRead(p->u, &a));
  PetscCall(VecGetArrayRead(p->m, &m));
  PetscCall(VecGetArrayRead(v, &found));
  for (PetscInt i = 0; i < ROWS; i++) {
    const PetscScalar right = (*p->law->derivative)(PetscRealPart(m[i])) / (2.0 + 3.0 * a[i] * a[i]);

    *error = PetscMax(*error, PetscAbsScalar(found[i] - right) / PetscAbsScalar(right));
  }
  PetscCall(VecRestoreArrayRead(v, &found));
  PetscCall(VecRestoreArrayRead(p->m, &m));
  PetscCall(VecRestoreArrayRead(p->u, &a));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, error, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(const Law *law, PetscBool coloring)
{
  Rows p = {0};
  Vec  in, out;

  PetscFunctionBeginUser;
  PetscCall(Create(law, coloring, &p));
  PetscCall(VecDuplicate(p.u, &in));
  PetscCall(VecDuplicate(p.u, &out));
  PetscCall(VecSet(in, 1.0));
  for (int adjoint = 0; adjoint < 2; adjoint++) {
    DiniStatistics s;
    PetscReal      error, told;

    if (adjoint) PetscCall(DiniVJP(p.dini, in, out));
    else PetscCall(DiniJVP(p.dini, in, out));
    PetscCall(Error(&p, out, &error));
    PetscCall(DiniGetStatistics(p.dini, &s));
    told = adjoint ? s.gradient_error : s.tangent_error;
    DiniTestTrue(error <= law->most, "%s, %s: off by %g", law->name, coloring ? "coloured" : "dense", (double)error);
    DiniTestTrue(error <= 10.0 * told, "%s, %s: off by %g, told %g", law->name, coloring ? "coloured" : "dense",
                 (double)error, (double)told);
    DiniTestTrue(told <= 10.0 * law->most, "%s, %s: told %g", law->name, coloring ? "coloured" : "dense", (double)told);
  }
  PetscCall(VecDestroy(&in));
  PetscCall(VecDestroy(&out));
  PetscCall(DiniDestroy(&p.dini));
  PetscCall(SNESDestroy(&p.snes));
  PetscCall(MatDestroy(&p.J));
  PetscCall(MatDestroy(&p.pattern));
  PetscCall(VecDestroy(&p.u));
  PetscCall(VecDestroy(&p.m));
  PetscCall(VecDestroy(&p.r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(laws); k++)
    for (int coloring = 0; coloring < 2; coloring++) PetscCall(Check(&laws[k], (PetscBool)coloring));
  PetscCall(PetscFinalize());
  return 0;
}
