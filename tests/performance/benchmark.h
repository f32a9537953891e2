/* The performance benchmark: two problems, three ways to a gradient, and what is measured of them. */
#pragma once
#include <petscdmda.h>
#include <dini.h>

/* ---- the problems: F(u, m) = R(u) + Fm m on the points of a DMDA inside the unit square or cube, u = 0 outside ---- */

/* One process's part of the grid; the state's ghosted array and the residual's own array are indexed through it. */
typedef struct {
  DMDALocalInfo info;
  PetscInt      dim, dof;
  PetscInt      stride[3]; /* from a point to its neighbour in each direction, in points of the ghosted array */
  PetscReal     h[3], volume;
} Grid;

/* F = R(u) on the points of this process, u with ghost points */
typedef PetscErrorCode ResidualFn(const Grid *, const PetscScalar *u, PetscScalar *F);
/* J = dR/du by MatSetValuesLocal() */
typedef PetscErrorCode JacobianFn(const Grid *, const PetscScalar *u, Mat J);

typedef struct {
  char        name[32];
  DM          da;
  Grid        grid;
  ResidualFn *residual;
  JacobianFn *jacobian;
  SNES        snes;
  Mat         J, Fm;      /* Fm is constant: minus the volume, at the column of the coefficient that feeds the point */
  Vec         m, load, u; /* load = Fm m */
  PetscInt    N, p, assemblies;
} Problem;

extern ResidualFn            DiffusionResidual, AdvectionResidual;
extern JacobianFn            DiffusionJacobian, AdvectionJacobian;
extern PetscErrorCode        ProblemCreate(MPI_Comm, Problem *);
extern PetscErrorCode        ProblemDestroy(Problem *);
extern DiniParameterUpdateFn ProblemLoad; /* ctx is the Problem */
extern PetscErrorCode        ProblemJacobian(SNES, Vec, Mat, Mat, void *);
extern PetscErrorCode        ProblemInitialGuess(Problem *);

/* The point x + side in direction d: is it inside, and so an unknown? */
static inline PetscBool GridInside(const Grid *grid, const PetscInt x[], PetscInt d, PetscInt side)
{
  const PetscInt M[] = {grid->info.mx, grid->info.my, grid->info.mz};

  return (PetscBool)(x[d] + side >= 0 && x[d] + side < M[d]);
}

/* Index of a point in ghosted arrays */
static inline PetscInt GridIndex(const Grid *grid, const PetscInt x[])
{
  return (x[0] - grid->info.gxs) + (x[1] - grid->info.gys) * grid->stride[1] +
         (grid->dim == 3 ? (x[2] - grid->info.gzs) * grid->stride[2] : 0);
}

/* ---- the ways to a gradient ---------------------------------------------------------------------------------------- */
typedef enum {
  METHOD_EXPERT, /* by hand: J(u) assembled, the forward preconditioner kept, KSPSolveTranspose() under GMRES */
  METHOD_NAIVE,  /* by hand: the same with the preconditioner set up again at u */
  METHOD_DINI,
  METHOD_MAX
} Method;

/* How a hand-written adjoint gets at the transpose */
typedef struct {
  Problem  *problem;
  PetscBool explicitly; /* an assembled transpose with its own preconditioner, where the transposed apply is broken */
  KSP       ksp;
  Mat       JT;
  Vec       rhs, lambda;
  PetscInt  iterations; /* of the last solve */
} Adjoint;

extern PetscErrorCode AdjointCreate(Problem *, Adjoint *);
extern PetscErrorCode AdjointDestroy(Adjoint *);
/* g = (du/dm)^H ubar; again: at the same point as the gradient before */
extern PetscErrorCode AdjointGradient(Adjoint *, PetscBool keep, PetscBool again, Vec ubar, Vec g);

/* ---- a bench: a problem and the three ways, ready to run ---- */
typedef struct {
  Problem        problem;
  Adjoint        adjoint;
  Dini           dini;
  Vec            ubar, ubar2, g[METHOD_MAX], g2[METHOD_MAX]; /* two objectives and their gradients */
  PetscLogDouble forward, gradient, again;                   /* seconds of the last BenchRun(), the slowest process's */
  PetscInt       newton, krylov;                             /* iterations of its forward solve */
  PetscInt       iterations;                                 /* of its adjoint solve */
  DiniRung       rung;                                       /* where Dini's found its answer */
} Bench;

extern PetscErrorCode BenchCreate(MPI_Comm, Bench *);
extern PetscErrorCode BenchDestroy(Bench *);
extern PetscErrorCode BenchForward(Bench *, Method);
extern PetscErrorCode BenchGradient(Bench *, Method, PetscBool again);
extern PetscErrorCode BenchRun(Bench *, Method, PetscBool again);
extern PetscErrorCode BenchDifference(Bench *, Method, PetscReal *); /* of its gradient from the expert's, relative */
extern PetscErrorCode Clock(MPI_Comm, PetscLogDouble *);
extern PetscErrorCode Elapsed(MPI_Comm, PetscLogDouble since, PetscLogDouble *);

/* ---- one line of a CSV file, which grows name by name ---- */
typedef struct {
  char names[4096], values[4096];
} Row;

extern PetscErrorCode RowText(Row *, const char name[], const char value[]);
extern PetscErrorCode RowInteger(Row *, const char name[], PetscInt);
extern PetscErrorCode RowReal(Row *, const char name[], PetscReal);
extern PetscErrorCode RowConfiguration(Row *, const Bench *);
extern PetscErrorCode RowAppend(MPI_Comm, const Row *,
                                const char name[]); /* with a line of names when the file is new */

/* ---- what a run measures ---- */
extern PetscErrorCode MeasureTime(Bench *, Row *);
extern PetscErrorCode MeasureObjectives(Bench *, Row *);
extern PetscErrorCode MeasureMemory(MPI_Comm, Row *);
extern PetscErrorCode MeasureModel(Bench *, Row *);
