/* Pairs of unlike units, in any of the layouts that say so, with derivatives that are wrong in one of them. */
#pragma once
#include "dinitest.h"

typedef enum {
  PAIRS_BLOCK,     /* a block size */
  PAIRS_DA,        /* a DMDA with two fields, "salt" and "heat" */
  PAIRS_COMPOSITE, /* a DMComposite */
  PAIRS_NEST,      /* a VECNEST */
  PAIRS_PLAIN      /* as a block size has it, without one: nobody says so */
} PairsLayout;

typedef enum {
  PAIRS_RIGHT,
  PAIRS_J,         /* dF_x/dy is left out of J */
  PAIRS_FM,        /* dF_x/db is left out of F_m */
  PAIRS_STATE,     /* dJ/dy has the wrong sign */
  PAIRS_PARAMETER, /* dJ/db has the wrong sign */
  PAIRS_ADJOINT,   /* dF_x/dy is left out of the transposed product of a shell */
  PAIRS_PATTERN    /* dF_x/dy is left out of J, and of its pattern */
} PairsFault;

/*
  F_x = 3 x + 0.01 y^2 + 0.01 exp(-y) - a/T - 0.02 b y and F_y = 3 y + 0.1 y^2 + 0.1 sin(y) + T x/2 - b - 0.1 a y, so x is
  of the size of 1/T and y of 1, and the objective sum T^2 x^2 + T y^2 + a^2 + T b^2, for four pairs. m = (a, b) is laid out
  like u. J and F_m are given; as a shell, J comes with an assembled P.
*/
typedef struct {
  PetscReal   T;
  PairsLayout layout;
  PairsFault  fault;
  PetscInt    n; /* pairs of this rank */
  Vec         u, m;
  Mat         J, A, Fm; /* A: J assembled */
  SNES        snes;     /* with A as its Jacobian, for DINISNES */
  Dini        dini;
} Pairs;

/* A Dini of this type, with the solution in p->u: DINISHELL is attached to it, DINISNES has a forward solver */
extern PetscErrorCode PairsCreate(PetscReal T, PairsLayout, PairsFault, PetscBool shell, DiniType, Pairs *);
extern PetscErrorCode PairsDestroy(Pairs *);
/* The gradient of <ubar, u> with ubar = (1, 0), which sees y and b by their coupling to x only, and that of the objective */
extern PetscErrorCode PairsCotangent(Pairs *, Vec ubar);
extern PetscErrorCode PairsReference(Pairs *, PetscBool objective, Vec g);
/* The largest error of g in units of the largest entry of its component */
extern PetscErrorCode PairsDistance(Pairs *, Vec g, Vec reference, PetscReal *distance);
/* pairslayouts.c: the local index of a field of pair i, and a state */
extern PetscInt       PairsAt(const Pairs *, PetscInt i, PetscInt field);
extern PetscErrorCode PairsCreateVec(PairsLayout, Vec *);
