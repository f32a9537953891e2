/* phi(u_i) = m_i, each row by itself, with a phi that bends: near a fold, in an exponential, at an inflection, by a logarithm. */
#pragma once
#include "dinitest.h"

typedef enum { BENT_FOLD, BENT_EXP, BENT_CUBE, BENT_LOG, BENT_LINE, BENT_KINDS } BentKind;

typedef struct {
  BentKind kind;
  Vec      u, m;
  Mat      J;
  SNES     snes;
  Dini     dini;
} Bent;

extern PetscErrorCode BentCreate(BentKind kind, PetscInt N, PetscReal rtol, Bent *b);
extern PetscErrorCode BentDestroy(Bent *b);
/* the u that belongs to m, and du/dm there */
extern PetscReal BentState(BentKind kind, PetscReal m);
extern PetscReal BentSlope(BentKind kind, PetscReal m);
/* u for all m_i = m, by the SNES from u(start) */
extern PetscErrorCode BentSolve(Bent *b, PetscReal m, PetscReal start);
/* ... or attached, off by a relative amount */
extern PetscErrorCode BentAttach(Bent *b, PetscReal m, PetscReal off);
/* A tangent or a gradient along ones: its relative error, and what is reported */
extern PetscErrorCode BentDerivative(Bent *b, PetscReal m, PetscBool adjoint, PetscReal *error, PetscReal *reported);
