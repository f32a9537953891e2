/* Eigenproblems to differentiate: a chain of elements, and small dense matrices with known eigenvalues. */
#pragma once
#include "dinitest.h"
#include <dinislepc.h>

/*
  A string of N + 1 elements between fixed ends, N free nodes, of length 1: element e has stiffness k_e (1/h) [1 -z; -z* 1] and
  mass rho_e (h/6) [2 z; z* 2], z = e^{i angle} in complex builds and 1 in real ones, and damping or, with convection,
  c_e [0 1; -1 0]. Hermitian without convection. With k = 1 and rho = 1 the eigenvalues are
  6/h^2 (1 - cos t)/(2 + cos t), t = (j + 1) pi h, and the vectors are sin.
*/
typedef struct {
  PetscInt  N;
  PetscReal angle;
  PetscBool convection, standard; /* standard: B = I, and no rho */
  PetscBool forgetful;            /* the F_m callback of rho does not read the coefficients */
  PetscInt  nan;                  /* assemblies until one gives NaN, negative for never */
  Mat       A, B, Fm[3];
  Vec       m[3]; /* k, rho, c */
  EPS       eps;
  Dini      dini;
  PetscInt  assemblies;
} Spring;

extern PetscErrorCode SpringCreate(PetscInt N, PetscBool convection, PetscBool standard, Spring *);
/* A Dini with the blocks "k", "rho" (unless standard) and, with convection, "c", each of this kind */
extern PetscErrorCode SpringDini(Spring *, DiniParameterType kind);
extern PetscErrorCode SpringDestroy(Spring *);
extern PetscErrorCode SpringAssemble(Dini, PetscInt n, Mat M[], void *ctx);

/* An n x n matrix of formulas A_ij(m), standard problem */
typedef PetscScalar SmallFn(PetscInt i, PetscInt j, const PetscScalar m[]);
typedef struct {
  PetscInt n, nm;
  SmallFn *entry;
  Mat      A;
  Vec      m;
  EPS      eps;
  Dini     dini;
} Small;

extern PetscErrorCode SmallCreate(PetscInt n, PetscInt nm, const PetscScalar m[], SmallFn *entry, EPSProblemType,
                                  Small *);
extern PetscErrorCode SmallDestroy(Small *);

/* All entries of v, on every rank */
extern PetscErrorCode GatherAll(Vec v, PetscScalar **all);
/* The pair whose eigenvalue is nearest to re + i im */
extern PetscErrorCode NearestPair(Dini, PetscReal re, PetscReal im, PetscInt *nearest);
/* Entry j (global) of m gains h, and nothing else changes */
extern PetscErrorCode ShiftEntry(Vec m, PetscInt j, PetscScalar h);
