/* Least squares of least norm: A(m) = B C of given rank, and A^+ = C^H (C C^H)^-1 (B^H B)^-1 B^H, which every rank computes. */
#pragma once
#include "dinitest.h"

#define LOWNORM_MAX 8 /* rows, columns */
#define LOWNORM_NM  3 /* parameters */

typedef PetscScalar LowNormDense[LOWNORM_MAX][LOWNORM_MAX];

/* How A depends on m */
typedef enum { LOWNORM_TURNS, LOWNORM_FIXED, LOWNORM_FALLS, LOWNORM_TOUCHES } LowNormFamily;

typedef struct {
  PetscInt M, N, r; /* r: the rank almost everywhere; at m_0 = 1 it falls by one, or touches that to second order */
  LowNormFamily family;
  PetscBool     bdepends; /* b is assembled from m */
  PetscInt      leave;    /* null vectors that are not attached */
  PetscReal     tilt;     /* of those that are */
  Mat           A, shell; /* shell: the KSP's, after LowNormShell() */
  Vec           b, m, u;
  KSP           ksp;
  Dini          dini;
} LowNorm;

/* A and b are assembled from the block m, or with assembled false are constant, and b is the block */
extern PetscErrorCode LowNormCreate(PetscInt M, PetscInt N, PetscInt r, LowNormFamily, PetscBool assembled, KSPType,
                                    LowNorm *);
extern PetscErrorCode LowNormDestroy(LowNorm *);
/* The KSP gets a shell in place of A, which has no copy: each assembly moves it */
extern PetscErrorCode LowNormShell(LowNorm *);
/* A, b where that depends on m, and the null space of A */
extern PetscErrorCode LowNormAssemble(Dini, Mat A, Mat P, Vec b, void *);
/* Solves from a guess that is not orthogonal to the null space, and compares u with A^+ b */
extern PetscErrorCode LowNormSolve(LowNorm *);
/* (u(m + h dm) - u(m - h dm)) / 2 h */
extern PetscErrorCode LowNormDifference(const LowNorm *, const PetscScalar dm[], PetscScalar du[]);

/* On every rank: the factors, b and u at m, u = A^+ b for given ones, and all values of a Vec, taken and put */
extern void           LowNormFactors(const LowNorm *, const PetscScalar m[], LowNormDense B, LowNormDense C);
extern PetscScalar    LowNormRightHandSide(const LowNorm *, const PetscScalar m[], PetscInt i);
extern void           LowNormSolution(const LowNorm *, const PetscScalar m[], PetscScalar u[]);
extern void           LowNormPseudoInverse(const LowNorm *, LowNormDense B, LowNormDense C, const PetscScalar b[],
                                           PetscScalar u[]);
extern PetscErrorCode LowNormMatrix(const LowNorm *, LowNormDense B, LowNormDense C, Mat A);
extern PetscErrorCode LowNormGather(Vec, PetscScalar values[]);
extern PetscErrorCode LowNormFill(Vec, const PetscScalar values[]);
