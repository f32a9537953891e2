static char help[] = "F_m by differences of a block whose entries reach from 1e-15 to 1e9, of laws near their edges, "
                     "and of noisy residuals.\n";

#include "support/dinitest.h"

/*
  u_i = scale_i g(m_i), six rows on each rank, where m_i and the length on which g varies are as unlike as the entries of a struct
  that nobody has told the block size of; so du_i/dm_i is known entry by entry.
*/
#define ROWS 6

typedef struct {
  const char *name;
  PetscReal (*g)(PetscReal m, PetscInt i);
  PetscReal (*derivative)(PetscReal m, PetscInt i);
  PetscReal values[ROWS];
  PetscReal rtol;
} Law;

static PetscReal Root(PetscReal m, PetscInt i)
{
  (void)i;
  return PetscSqrtReal(m);
}

static PetscReal RootD(PetscReal m, PetscInt i)
{
  (void)i;
  return 0.5 / PetscSqrtReal(m);
}

static PetscReal Shifted(PetscReal m, PetscInt i)
{
  (void)i;
  return PetscSqrtReal(m + 1e-12);
}

static PetscReal ShiftedD(PetscReal m, PetscInt i)
{
  (void)i;
  return 0.5 / PetscSqrtReal(m + 1e-12);
}

static PetscReal Log(PetscReal m, PetscInt i)
{
  (void)i;
  return PetscLogReal(1.0 + m);
}

static PetscReal LogD(PetscReal m, PetscInt i)
{
  (void)i;
  return 1.0 / (1.0 + m);
}

static PetscReal Struct(PetscReal m, PetscInt i) /* thickness, friction, bed, in turn */
{
  if (i % 3 == 0) return m * m * 1e-4;
  return i % 3 == 1 ? PetscSqrtReal(m / 6e9) : PetscSinReal(m);
}

static PetscReal StructD(PetscReal m, PetscInt i)
{
  if (i % 3 == 0) return 2e-4 * m;
  return i % 3 == 1 ? 0.5 / PetscSqrtReal(6e9 * m) : PetscCosReal(m);
}

static const Law laws[] = {
    {"root", Root, RootD, {1e-15, 1e-10, 1e-5, 1.0, 1e2, 1e5}, 1e-6},
    {"shifted root", Shifted, ShiftedD, {0.0, 1e-12, 1e-3, 1.0, 1e2, 1e4}, 1e-5},
    {"log1p", Log, LogD, {-1.0 + 1e-9, -0.999, 0.0, 1.0, 10.0, 1e5}, 1e-6},
    {"struct", Struct, StructD, {30.0, 6e9, 0.01, 10.0, 1e8, 0.3}, 1e-7},
};

typedef struct {
  const Law *law;
  PetscReal  noise;
  Vec        u, m, r;
  Mat        J, pattern;
  SNES       snes;
  Dini       dini;
} Block;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Block             *p = (Block *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(p->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < ROWS; i++) {
    f[i] = a[i] - (*p->law->g)(PetscRealPart(m[i]), i);
    if (p->noise > 0.0) f[i] += p->noise * PetscSinReal(1e14 * PetscRealPart(m[i])) * PetscAbsScalar(a[i]);
  }
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(p->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscInt first, last;

  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(MatSetValue(J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const Law *law, PetscReal noise, PetscBool coloring, Block *p)
{
  PetscScalar *m, *u;

  PetscFunctionBeginUser;
  p->law   = law;
  p->noise = noise;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, ROWS, PETSC_DETERMINE, &p->u));
  PetscCall(VecDuplicate(p->u, &p->m));
  PetscCall(VecDuplicate(p->u, &p->r));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, ROWS, ROWS, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &p->J));
  PetscCall(Jacobian(NULL, p->u, p->J, p->J, NULL));
  PetscCall(MatDuplicate(p->J, MAT_DO_NOT_COPY_VALUES, &p->pattern));
  PetscCall(VecGetArray(p->m, &m));
  PetscCall(VecGetArray(p->u, &u));
  for (PetscInt i = 0; i < ROWS; i++) {
    m[i] = law->values[i];
    u[i] = (*law->g)(law->values[i], i);
  }
  PetscCall(VecRestoreArray(p->u, &u));
  PetscCall(VecRestoreArray(p->m, &m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetFunction(p->snes, p->r, Residual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, Jacobian, p));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetSNES(p->dini, p->snes));
  PetscCall(DiniAddParameter(p->dini, "m", p->m, NULL));
  if (coloring) PetscCall(DiniSetParameterJacobian(p->dini, 0, p->pattern, NULL, NULL));
  if (noise > 0.0) PetscCall(DiniSetAttachTolerances(p->dini, 1.0, PETSC_DEFAULT));
  PetscCall(DiniAttach(p->dini, p->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Block *p)
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

/* Entry by entry, relative; and what is said of it */
static PetscErrorCode Worst(Block *p, PetscReal *worst, PetscReal *said)
{
  Vec                ones, mbar;
  const PetscScalar *g;
  DiniStatistics     s;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->u, &ones));
  PetscCall(VecDuplicate(p->u, &mbar));
  PetscCall(VecSet(ones, 1.0));
  PetscCall(DiniVJP(p->dini, ones, mbar));
  PetscCall(DiniGetStatistics(p->dini, &s));
  PetscCall(VecGetArrayRead(mbar, &g));
  *worst = 0.0;
  for (PetscInt i = 0; i < ROWS; i++) {
    const PetscReal right = (*p->law->derivative)(p->law->values[i], i);

    *worst = PetscMax(*worst, PetscAbsScalar(g[i] - right) / PetscAbsReal(right));
  }
  PetscCall(VecRestoreArrayRead(mbar, &g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, worst, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  *said = s.gradient_error;
  PetscCall(VecDestroy(&ones));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const Law       smooth   = {"smooth", Struct, StructD, {30.0, 6e9, 0.3, 20.0, 3e9, 0.5}, 1.0};
  static const PetscReal noises[] = {1e-12, 1e-10, 1e-8};
  Block                  p;
  PetscReal              worst, said;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(laws); k++)
    for (int coloring = 0; coloring < 2; coloring++) {
      PetscCall(Create(&laws[k], 0.0, (PetscBool)coloring, &p));
      PetscCall(Worst(&p, &worst, &said));
      DiniTestTrue(worst <= laws[k].rtol && worst <= 10.0 * said + 1e-9, "%s: off by %g, said to be %g", laws[k].name,
                   (double)worst, (double)said);
      PetscCall(Destroy(&p));
    }
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(noises); k++) { /* as of an inner solve: in what is said */
    PetscCall(Create(&smooth, noises[k], (PetscBool)(k % 2), &p));
    PetscCall(Worst(&p, &worst, &said));
    DiniTestTrue(worst <= 10.0 * said && worst >= 1e-3 * said && worst <= PetscPowReal(noises[k], 0.5),
                 "noise %g: off by %g, said to be %g", (double)noises[k], (double)worst, (double)said);
    PetscCall(Destroy(&p));
  }
  PetscCall(Create(&smooth, 0.03, PETSC_TRUE, &p)); /* beyond use: the entry and the step are named */
  PetscCall(VecSet(p.r, 1.0));
  DiniTestExpect(DiniVJP(p.dini, p.r, p.u), PETSC_ERR_ARG_WRONG, "differences by steps about");
  PetscCall(Destroy(&p));
  PetscCall(PetscFinalize());
  return 0;
}
