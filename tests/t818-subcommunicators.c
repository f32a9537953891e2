static char help[] = "Dinis on parts of the ranks: each group has its own relation, does its own number of calls, and "
                     "calls from inside.\n";

#include "support/dinitest.h"

/* u^3 + u = m on every row of a group, so du/dm = 1/(1 + 3 u^2) */
typedef struct {
  MPI_Comm comm;
  Vec      m, dm, du;
  Mat      J;
  PetscInt inside;
} Group;

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Group *g = (Group *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecShift(F, 1.0));
  PetscCall(VecPointwiseMult(F, F, u));
  PetscCall(VecAXPY(F, -1.0, g->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  Vec d;

  PetscFunctionBeginUser;
  (void)dini;
  (void)P;
  (void)ctx;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecPointwiseMult(d, u, u));
  PetscCall(VecScale(d, 3.0));
  PetscCall(VecShift(d, 1.0));
  PetscCall(MatDiagonalSet(J, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Newton's method on each row */
static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  Group *g = (Group *)ctx;
  Vec    F, d;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &F));
  PetscCall(VecDuplicate(u, &d));
  for (int k = 0; k < 30; k++) {
    PetscCall(DiniComputeResidual(dini, u, F)); /* from inside: F may be evaluated here */
    PetscCall(Jacobian(dini, u, g->J, NULL, ctx));
    PetscCall(MatGetDiagonal(g->J, d));
    PetscCall(VecPointwiseDivide(F, F, d));
    PetscCall(VecAXPY(u, -1.0, F));
  }
  PetscCall(VecDestroy(&F));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Monitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Group *g = (Group *)ctx;

  PetscFunctionBeginUser;
  (void)its;
  (void)rnorm;
  if (operation != DINI_OPERATION_ADJOINT) PetscFunctionReturn(PETSC_SUCCESS);
  g->inside++;
  PetscCall(DiniJVP(dini, g->dm, g->du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* max |y - x/(1 + 3 u^2)| on this group, or with the conjugate of 1 + 3 u^2, as an adjoint has it */
static PetscErrorCode Error(Vec u, PetscBool adjoint, Vec x, Vec y, PetscReal *error)
{
  Vec d;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecPointwiseMult(d, u, u));
  PetscCall(VecScale(d, 3.0));
  PetscCall(VecShift(d, 1.0));
  if (adjoint) PetscCall(VecConjugate(d));
  PetscCall(VecPointwiseDivide(d, x, d));
  PetscCall(VecAXPY(d, -1.0, y));
  PetscCall(VecNorm(d, NORM_INFINITY, error));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(MPI_Comm comm, PetscInt calls, PetscReal *worst)
{
  Group     g = {.comm = comm};
  Dini      dini;
  Vec       u, ubar, mbar;
  PetscReal error;

  PetscFunctionBeginUser;
  *worst = 0.0;
  PetscCall(VecCreateMPI(comm, 3, PETSC_DETERMINE, &u));
  PetscCall(VecDuplicate(u, &g.m));
  PetscCall(VecDuplicate(u, &g.du));
  PetscCall(VecDuplicate(u, &ubar));
  PetscCall(VecDuplicate(u, &mbar));
  PetscCall(VecSet(u, 1.0));
  PetscCall(DiniTestFill(g.m, 3));
  PetscCall(VecShift(g.m, 2.0));
  PetscCall(VecDuplicate(u, &g.dm));
  PetscCall(DiniTestFill(g.dm, 4));
  PetscCall(MatCreateAIJ(comm, 3, 3, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &g.J));
  PetscCall(DiniCreate(comm, &dini));
  PetscCall(DiniSetType(dini, DINISHELL));
  PetscCall(DiniSetResidual(dini, Residual, &g));
  PetscCall(DiniSetJacobian(dini, g.J, NULL, Jacobian, &g));
  PetscCall(DiniSetSolve(dini, Solve, &g));
  PetscCall(DiniAddParameter(dini, "m", g.m, NULL));
  PetscCall(DiniMonitorSet(dini, Monitor, &g, NULL));
  for (PetscInt k = 0; k < calls; k++) {
    PetscCall(VecShift(g.m, 0.125));
    PetscCall(DiniSolve(dini, u));
    PetscCall(DiniTestFill(ubar, 5 + k));
    PetscCall(DiniVJP(dini, ubar, mbar));
    PetscCall(Error(u, PETSC_TRUE, ubar, mbar, &error));
    *worst = PetscMax(*worst, error);
    PetscCall(Error(u, PETSC_FALSE, g.dm, g.du, &error));
    *worst = PetscMax(*worst, error);
  }
  PetscCheck(g.inside == calls, PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "%" PetscInt_FMT " calls from inside, expected %" PetscInt_FMT, g.inside, calls);
  PetscCall(DiniDestroy(&dini));
  PetscCall(MatDestroy(&g.J));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&g.m));
  PetscCall(VecDestroy(&g.dm));
  PetscCall(VecDestroy(&g.du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  MPI_Comm    comm;
  PetscMPIInt rank, size;
  PetscReal   worst, all;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (PetscMPIInt groups = 1; groups <= size; groups++) {
    PetscCallMPI(MPI_Comm_split(PETSC_COMM_WORLD, rank % groups, rank, &comm));
    PetscCall(Run(comm, 1 + rank % groups, &worst)); /* groups do not wait for each other */
    PetscCallMPI(MPI_Comm_free(&comm));
    PetscCallMPI(MPI_Allreduce(&worst, &all, 1, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
    DiniTestTrue(all < 1e-8, "%d groups: off by %g", groups, (double)all);
  }
  PetscCall(PetscFinalize());
  return 0;
}
