static char help[] =
    "Objectives: of a state with ghosts, whose weight changes between a gradient and a Hessian product, and whose solver is\n\
given another callback for J; a check that ends in an error leaves the parameters as they were.\n";

#include "support/fixtures.h"

/* u + u^3 = m on a ring, and J = sum of w u_i u_{i+1}, which reads u_{i+1} from the local form of u */
typedef struct {
  Vec       u, m;
  Mat       J;
  SNES      snes;
  Dini      dini;
  PetscReal w;
  PetscInt  n, N, evaluations, fail; /* fail: this evaluation of the value returns an error */
} Ring;

static PetscErrorCode RingResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Ring              *r = (Ring *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(r->m, &m));
  PetscCall(VecGetArrayWrite(F, &f));
  for (PetscInt i = 0; i < r->n; i++) f[i] = a[i] + a[i] * a[i] * a[i] - m[i];
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(r->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Ring *r, Vec u, PetscReal factor, Mat J)
{
  const PetscScalar *a;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(MatSetValue(J, i, i, 1.0 + factor * a[i - lo] * a[i - lo], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  (void)r;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  (void)snes, (void)P;
  return Fill((Ring *)ctx, u, 3.0, J);
}

static PetscErrorCode RingPicard(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  (void)snes, (void)P;
  return Fill((Ring *)ctx, u, 2.5, J);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Ring              *r = (Ring *)ctx;
  const PetscScalar *a;
  Vec                local;
  PetscReal          sum = 0.0;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCheck(++r->evaluations != r->fail, PETSC_COMM_SELF, PETSC_ERR_USER, "on purpose");
  PetscCall(VecGhostGetLocalForm(u, &local));
  PetscCall(VecGetArrayRead(local, &a));
  for (PetscInt i = 0; i < r->n; i++) sum += r->w * PetscRealPart(a[i] * PetscConj(a[i + 1]));
  PetscCall(VecRestoreArrayRead(local, &a));
  PetscCall(VecGhostRestoreLocalForm(u, &local));
  PetscCallMPI(MPI_Allreduce(&sum, value, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w (u_{i-1} + u_{i+1}), without the ghosts */
static PetscErrorCode Neighbours(Ring *r, Vec u, Vec g)
{
  const PetscScalar *a;
  PetscInt           lo;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecSet(g, 0.0));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < r->n; i++)
    for (PetscInt side = -1; side <= 1; side += 2)
      PetscCall(VecSetValue(g, (lo + i + side + r->N) % r->N, r->w * a[i], ADD_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(VecAssemblyBegin(g));
  PetscCall(VecAssemblyEnd(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  (void)dini, (void)dJdm;
  return Neighbours((Ring *)ctx, u, dJdu);
}

static PetscErrorCode RingCreate(Ring *r)
{
  PetscInt lo, hi, ghost;
  KSP      ksp;
  PC       pc;

  PetscFunctionBeginUser;
  *r   = (Ring){.N = 9, .w = 1.0};
  r->n = PETSC_DECIDE;
  PetscCall(PetscSplitOwnership(PETSC_COMM_WORLD, &r->n, &r->N));
  PetscCallMPI(MPI_Scan(&r->n, &hi, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  lo    = hi - r->n;
  ghost = hi % r->N;
  PetscCall(VecCreateGhost(PETSC_COMM_WORLD, r->n, r->N, 1, &ghost, &r->u));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, r->n, r->n, r->N, r->N, 1, NULL, 0, NULL, &r->J));
  PetscCall(VecDuplicate(r->u, &r->m));
  for (PetscInt i = lo; i < hi; i++) PetscCall(VecSetValue(r->m, i, 1.0 + 0.1 * (PetscReal)i, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(r->m));
  PetscCall(VecAssemblyEnd(r->m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &r->snes));
  PetscCall(SNESSetFunction(r->snes, NULL, RingResidual, r));
  PetscCall(SNESSetJacobian(r->snes, r->J, r->J, RingJacobian, r));
  PetscCall(SNESSetTolerances(r->snes, 1e-14, 1e-13, 0.0, 200, 10000));
  PetscCall(SNESGetKSP(r->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  PetscCall(DiniSetSNES(r->dini, r->snes));
  PetscCall(DiniAddParameter(r->dini, "m", r->m, NULL));
  PetscCall(DiniSetObjective(r->dini, Value, Gradient, r));
  PetscCall(DiniSetState(r->dini, r->u));
  PetscCall(DiniSetFromOptions(r->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingDestroy(Ring *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(SNESDestroy(&r->snes));
  PetscCall(MatDestroy(&r->J));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J^{-H} g entry by entry */
static PetscErrorCode Adjoint(Ring *r, Vec g)
{
  const PetscScalar *a;
  PetscScalar       *b;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(r->u, &a));
  PetscCall(VecGetArray(g, &b));
  for (PetscInt i = 0; i < r->n; i++) b[i] /= PetscConj(1.0 + 3.0 * a[i] * a[i]);
  PetscCall(VecRestoreArray(g, &b));
  PetscCall(VecRestoreArrayRead(r->u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Ring        r;
  Vec         m, g, v, one, two, right;
  PetscReal   value;
  PetscViewer viewer;
  char        text[16384];

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(RingCreate(&r));
  PetscCall(DiniCreateParameterVec(r.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &v));
  PetscCall(VecDuplicate(m, &one));
  PetscCall(VecDuplicate(m, &two));
  PetscCall(VecDuplicate(m, &right));
  PetscCall(VecSet(r.u, 1.0));
  PetscCall(DiniComputeObjectiveAndGradient(r.dini, m, &value, g)); /* its guard moves u, ghosts and all */
  PetscCall(Neighbours(&r, r.u, right));
  PetscCall(Adjoint(&r, right));
  PetscCall(DiniTestVecsClose(g, right, 1e-8, "the gradient of an objective that reads ghosts"));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(r.dini, viewer));
  /* the weight: Hessian products are linear in it */
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniHVP(r.dini, v, one));
  r.w = 3.0;
  PetscCall(DiniHVP(r.dini, v, two));
  PetscCall(VecScale(one, 3.0));
  PetscCall(DiniTestVecsClose(two, one, 1e-5, "a Hessian product with another weight"));
  /* a check that ends half-way */
  r.fail = r.evaluations + 5;
  PetscCall(DiniTestCatch());
  (void)DiniCheck(r.dini, viewer);
  PetscCall(DiniTestRelease());
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  DiniTestTrue(r.evaluations >= r.fail, "the check has not come to the error that it was to meet");
  PetscCall(DiniGetParameters(r.dini, v));
  PetscCall(DiniTestVecsClose(v, m, 1e-15, "parameters after a check that failed"));
  /* another callback for J */
  PetscCall(SNESSetJacobian(r.snes, r.J, r.J, RingPicard, &r));
  PetscCall(VecScale(m, 1.01));
  PetscCall(DiniComputeObjectiveAndGradient(r.dini, m, &value, g));
  PetscCall(Neighbours(&r, r.u, right));
  PetscCall(Adjoint(&r, right));
  PetscCall(DiniTestVecsClose(g, right, 1e-7, "the gradient after J has another callback"));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&one));
  PetscCall(VecDestroy(&two));
  PetscCall(VecDestroy(&right));
  PetscCall(RingDestroy(&r));
  PetscCall(PetscFinalize());
  return 0;
}
