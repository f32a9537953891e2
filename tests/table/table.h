/* The table of transposed solves: problems, cases, and what came out of them. */
#pragma once
#include "../support/dinitest.h"
#include <petscdmda.h>

/* One linear or mildly nonlinear problem, F(u, b) = A u + c u^3 - b, with everything that a preconditioner may ask for. */
typedef struct {
  MPI_Comm    comm;
  DM          dm; /* of a grid that can be coarsened, or NULL */
  Mat         A;  /* of the KSP, or the Jacobian of the SNES */
  Mat         L;  /* the linear part, for the residual of the SNES */
  Vec         u, b, ubar;
  PetscScalar cubic;    /* c; with c /= 0 the problem goes through a SNES */
  IS          field[2]; /* velocity and pressure of the saddle point problem */
  KSPType     ksptype;  /* that suits the problem */
  KSP         ksp;      /* of either solver */
  SNES        snes;
  Dini        dini;
} TableProblem;

/* "convection", "saddle", "boundary", "elasticity" or "spd": matrices and vectors only */
extern PetscErrorCode TableProblemCreate(MPI_Comm comm, const char name[], TableProblem *);
/* The solver, configured from the options database */
extern PetscErrorCode TableProblemSetSolver(TableProblem *);
extern PetscErrorCode TableProblemSetDini(TableProblem *);
extern PetscErrorCode TableProblemDestroy(TableProblem *);
/* J^{-H} ubar at the solution by dense factorisations on every rank, which no other object sees */
extern PetscErrorCode TableReference(TableProblem *, Vec lambda);

/* matrices.c; each entry (i, j) has the phase exp(i (theta_j - theta_i)), theta smooth, in complex builds */
extern PetscErrorCode TableGridAssemble(DM dm, PetscReal peclet, PetscBool couple, Mat A);
extern PetscErrorCode TableSaddleCreate(MPI_Comm comm, PetscInt n, Mat *A, IS field[2]);
extern PetscErrorCode TableElasticityCreate(MPI_Comm comm, PetscInt n, Mat *A);

/* A configuration of PC and KSP */
typedef struct {
  const char *group;    /* of cases that run in one process */
  const char *label;    /* the row of the table */
  const char *options;  /* NULL: not applicable */
  int         ranks;    /* 0: any number; 1: one only; 2: several only */
  const char *problems; /* that it applies to; NULL: all */
  const char *needs;    /* an external package, or NULL */
  const char *reason;   /* why it is not applicable */
} TableCase;

extern const TableCase TableCases[];
extern const TableCase TableKrylov[]; /* KSP types that want more than their name, or do not apply */

typedef enum {
  TABLE_RIGHT,
  TABLE_ERROR,
  TABLE_FORWARD,
  TABLE_NA,
  TABLE_WRONG,
  TABLE_RAW,
  TABLE_BROKEN,
  TABLE_MAX
} TableOutcome;
extern const char *const TableOutcomes[];

typedef struct {
  TableOutcome outcome;
  DiniRung     rung;
  PetscInt     forward, adjoint; /* iterations */
  PetscReal    residual, distance;
  char         ksp[64], pc[64];
  char         message[2048];
  PetscBool    abandoned; /* the objects are in no state to be destroyed */
} TableResult;

extern PetscErrorCode TableRun(const char problem[], const char options[], Vec reference, TableResult *);

/*
  The adjoint of a problem with these options by KSPSolveTranspose() and by Dini. Dini's must be right; where expected,
  PETSc's must be wrong by more than 1e-3 and claim to have converged, else the program says which it is.
*/
extern PetscErrorCode TableSilent(const char problem[], const char options[], PetscBool attempt, PetscBool expected);
