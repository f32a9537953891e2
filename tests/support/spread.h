/* Parameters on one grid that spread to the state of another: relations whose F_m is known, whatever the grids. */
#pragma once
#include "dinitest.h"
#include <petscdm.h>

/* G = S E, linear: what the state's points receive from the block's. Both are global vectors. */
typedef PetscErrorCode SpreadFn(Vec E, Vec G, void *ctx);

/*
  F = u + u^3/10 - (1 + u/5) S exp(m/2), row by row. J is diagonal, 1 + 3 u^2/10 - S exp(m/2) / 5, and
  F_m = -(1 + u/5) S diag(exp(m/2) / 2).
*/
typedef struct {
  SpreadFn *fn;
  void     *ctx;
  Vec       u, m, E, G;
  Mat       J;
  SNES      snes;
  Dini      dini;
  PetscInt  residuals;
} Spread;

/* The Dini has the block "m", with nothing said of F_m. In complex builds m is complex unless real is set. */
extern PetscErrorCode SpreadCreate(Vec u, Vec m, PetscBool real, SpreadFn *fn, void *ctx, Spread *);
extern PetscErrorCode SpreadDestroy(Spread *);
/* F_m as a dense matrix, from S column by column */
extern PetscErrorCode SpreadReference(Spread *, Mat *Fm);
/* Solves, and holds F_m, a JVP and a VJP against the reference, entry by entry */
extern PetscErrorCode SpreadCheck(Spread *, PetscReal rtol, const char what[]);
/* Colours of the pattern, from the residuals that one fill by forward differences takes */
extern PetscErrorCode SpreadColors(Spread *, PetscInt *ncolors);
