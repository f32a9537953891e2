/* A problem by options: grid, unknowns, parameters, and the SNES that solves it. */
#include "benchmark.h"

static PetscErrorCode GridCreate(DM da, Grid *grid)
{
  PetscInt M[3];

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(da, &grid->info));
  grid->dim       = grid->info.dim;
  grid->dof       = grid->info.dof;
  grid->stride[0] = 1;
  grid->stride[1] = grid->info.gxm;
  grid->stride[2] = grid->info.gxm * grid->info.gym;
  grid->volume    = 1.0;
  M[0]            = grid->info.mx;
  M[1]            = grid->info.my;
  M[2]            = grid->info.mz;
  for (PetscInt d = 0; d < grid->dim; d++) {
    grid->h[d] = 1.0 / (M[d] + 1.0);
    grid->volume *= grid->h[d];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ProblemResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem           *problem = (Problem *)ctx;
  Vec                local;
  const PetscScalar *a;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(DMGetLocalVector(problem->da, &local));
  PetscCall(DMGlobalToLocal(problem->da, u, INSERT_VALUES, local));
  PetscCall(VecGetArrayRead(local, &a));
  PetscCall(VecGetArrayWrite(F, &f));
  PetscCall(problem->residual(&problem->grid, a, f));
  PetscCall(VecRestoreArrayWrite(F, &f));
  PetscCall(VecRestoreArrayRead(local, &a));
  PetscCall(DMRestoreLocalVector(problem->da, &local));
  PetscCall(VecAXPY(F, 1.0, problem->load));
  PetscFunctionReturn(0);
}

PetscErrorCode ProblemJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Problem           *problem = (Problem *)ctx;
  Vec                local;
  const PetscScalar *a;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(DMGetLocalVector(problem->da, &local));
  PetscCall(DMGlobalToLocal(problem->da, u, INSERT_VALUES, local));
  PetscCall(VecGetArrayRead(local, &a));
  PetscCall(problem->jacobian(&problem->grid, a, J));
  PetscCall(VecRestoreArrayRead(local, &a));
  PetscCall(DMRestoreLocalVector(problem->da, &local));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  problem->assemblies++;
  PetscFunctionReturn(0);
}

PetscErrorCode ProblemLoad(Dini dini, Vec m, void *ctx)
{
  Problem *problem = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MatMult(problem->Fm, m, problem->load));
  PetscFunctionReturn(0);
}

PetscErrorCode ProblemInitialGuess(Problem *problem)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(problem->u, 0.0));
  PetscFunctionReturn(0);
}

/*
  One coefficient for each unknown, or p coefficients of p slices of the grid: in both cases one entry a row. The source is
  the same function for every p, so that the forward solve is.
*/
static PetscErrorCode CreateParameters(Problem *problem, PetscScalar value)
{
  const Grid          *grid   = &problem->grid;
  const DMDALocalInfo *info   = &grid->info;
  const PetscInt       points = problem->N / grid->dof;
  PetscInt             n, first, x[3];

  PetscFunctionBeginUser;
  PetscCheck(problem->p == problem->N || (problem->p > 0 && problem->p <= points), PETSC_COMM_WORLD,
             PETSC_ERR_ARG_OUTOFRANGE, "-p is between 1 and %" PetscInt_FMT ", or %" PetscInt_FMT " for a field",
             points, problem->N);
  PetscCall(VecGetLocalSize(problem->u, &n));
  PetscCall(VecGetOwnershipRange(problem->u, &first, NULL));
  if (problem->p == problem->N) PetscCall(VecDuplicate(problem->u, &problem->m));
  else PetscCall(VecCreateMPI(PetscObjectComm((PetscObject)problem->da), PETSC_DECIDE, problem->p, &problem->m));
  PetscCall(VecSet(problem->m, value));
  {
    PetscInt columns;

    PetscCall(VecGetLocalSize(problem->m, &columns));
    PetscCall(MatCreateAIJ(PetscObjectComm((PetscObject)problem->da), n, columns, PETSC_DETERMINE, PETSC_DETERMINE, 1,
                           NULL, problem->p == problem->N ? 0 : 1, NULL, &problem->Fm));
  }
  for (x[2] = info->zs; x[2] < info->zs + info->zm; x[2]++) {
    for (x[1] = info->ys; x[1] < info->ys + info->ym; x[1]++) {
      for (x[0] = info->xs; x[0] < info->xs + info->xm; x[0]++) {
        const PetscInt64 natural = x[0] + (PetscInt64)info->mx * (x[1] + (PetscInt64)info->my * x[2]);

        for (PetscInt c = 0; c < grid->dof; c++, first++) {
          const PetscInt column = problem->p == problem->N ? first : (PetscInt)(natural * problem->p / points);

          PetscCall(MatSetValue(problem->Fm, first, column, -grid->volume, INSERT_VALUES));
        }
      }
    }
  }
  PetscCall(MatAssemblyBegin(problem->Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(problem->Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(VecDuplicate(problem->u, &problem->load));
  PetscCall(ProblemLoad(NULL, problem->m, problem));
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateGrid(MPI_Comm comm, PetscInt dim, PetscInt n, PetscInt dof, DM *da)
{
  PetscFunctionBeginUser;
  if (dim == 2)
    PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n, PETSC_DECIDE,
                           PETSC_DECIDE, dof, 1, NULL, NULL, da));
  else
    PetscCall(DMDACreate3d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n, n,
                           PETSC_DECIDE, PETSC_DECIDE, PETSC_DECIDE, dof, 1, NULL, NULL, NULL, da));
  PetscCall(DMSetFromOptions(*da));
  PetscCall(DMSetUp(*da));
  PetscFunctionReturn(0);
}

PetscErrorCode ProblemCreate(MPI_Comm comm, Problem *problem)
{
  PetscInt  dim = 2, n = 32;
  PetscReal strength = 30.0;
  PetscBool advection, set;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(problem, sizeof(*problem)));
  PetscCall(PetscStrncpy(problem->name, "diffusion", sizeof(problem->name)));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", problem->name, sizeof(problem->name), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-dim", &dim, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-grid", &n, NULL));
  PetscCall(PetscStrcmp(problem->name, "advection", &advection));
  PetscCall(PetscStrcmp(problem->name, "diffusion", &set));
  PetscCheck(advection || set, comm, PETSC_ERR_USER_INPUT, "-problem is diffusion or advection, not %s", problem->name);
  PetscCheck((dim == 2 || dim == 3) && !(advection && dim == 3), comm, PETSC_ERR_USER_INPUT,
             "-dim is 2 or 3 for diffusion, 2 for advection");
  problem->residual = advection ? AdvectionResidual : DiffusionResidual;
  problem->jacobian = advection ? AdvectionJacobian : DiffusionJacobian;
  if (advection) strength = 2.0;
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-strength", &strength, NULL));
  PetscCall(CreateGrid(comm, dim, n, advection ? 2 : 1, &problem->da));
  PetscCall(GridCreate(problem->da, &problem->grid));

  PetscCall(DMCreateGlobalVector(problem->da, &problem->u));
  PetscCall(VecGetSize(problem->u, &problem->N));
  problem->p = problem->N;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-p", &problem->p, NULL));
#if defined(PETSC_USE_COMPLEX)
  PetscCall(CreateParameters(problem, strength * (1.0 + 0.1 * PETSC_i)));
#else
  PetscCall(CreateParameters(problem, strength));
#endif

  PetscCall(DMCreateMatrix(problem->da, &problem->J));
  PetscCall(SNESCreate(comm, &problem->snes));
  PetscCall(SNESSetFunction(problem->snes, NULL, ProblemResidual, problem));
  PetscCall(SNESSetJacobian(problem->snes, problem->J, problem->J, ProblemJacobian, problem));
  PetscCall(SNESSetErrorIfNotConverged(problem->snes, PETSC_TRUE));
  PetscCall(SNESSetFromOptions(problem->snes));
  PetscFunctionReturn(0);
}

PetscErrorCode ProblemDestroy(Problem *problem)
{
  PetscFunctionBeginUser;
  PetscCall(SNESDestroy(&problem->snes));
  PetscCall(MatDestroy(&problem->J));
  PetscCall(MatDestroy(&problem->Fm));
  PetscCall(VecDestroy(&problem->m));
  PetscCall(VecDestroy(&problem->load));
  PetscCall(VecDestroy(&problem->u));
  PetscCall(DMDestroy(&problem->da));
  PetscFunctionReturn(0);
}
