/* Small dense matrices, the same on every rank, and systems A u = b with b as the parameters. */
#pragma once
#include "fixtures.h"
#include <dinislepc.h>

typedef struct {
  PetscInt     M, N;
  PetscScalar *a; /* by columns */
} Dense;

typedef PetscScalar DenseFn(PetscInt i, PetscInt j, PetscInt N);

extern PetscErrorCode DenseCreate(PetscInt M, PetscInt N, Dense *);
extern PetscErrorCode DenseFill(PetscInt M, PetscInt N, DenseFn *, Dense *);
extern PetscErrorCode DenseDestroy(Dense *);
/* C = A B */
extern PetscErrorCode DenseProduct(const Dense *A, const Dense *B, Dense *C);
/* All singular values by LAPACK, the largest first */
extern PetscErrorCode DenseSingularValues(const Dense *, PetscReal **sigma);
/* -J^{-1} F_m column by column, by factorisations of the test's own */
extern PetscErrorCode DenseDerivative(Mat J, Mat Fm, Dense *);
/* The derivative that the Dini stands for, by DiniJVP() */
extern PetscErrorCode DenseJVPs(Dini, Dense *);
/* A parallel matrix of these formulas; m rows and n columns on this rank, or PETSC_DECIDE */
extern PetscErrorCode DenseMat(PetscInt m, PetscInt n, PetscInt M, PetscInt N, DenseFn *, Mat *);
/* The first count values are those of LAPACK, their vectors those of A, entry by entry */
extern PetscErrorCode DenseExpect(const Dense *A, SVD, PetscInt count, PetscReal rtol, const char what[]);

/* A u = b with A of these formulas, a KSP, and b as the block "b" */
typedef struct {
  Mat  A;
  Vec  u, b;
  KSP  ksp;
  Dini dini;
} System;

extern PetscErrorCode SystemCreate(PetscInt N, DenseFn *, System *);
extern PetscErrorCode SystemDestroy(System *);
