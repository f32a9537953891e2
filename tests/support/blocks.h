#pragma once
#include "dinitest.h"
#include <petscdmda.h>

/*
  Seven unlike blocks of parameters in one relation.

  On n points with unit spacing between two ends:
    F_i = k_W (u_i - u_W) + k_E (u_i - u_E) + Pe/2 (u_E - u_W) + r_i u_i + s u_i^3 - f_i - sum_w a_w / (1 + (i - x_w)^2)
  with k the mean of exp(log k) of the two points beside a face, or that of the point itself at an end.
*/
enum { MEDIUM, LOAD, PECLET, CUBIC, ENDS, WELLS, GUESS, NBLOCKS };
#define NWELLS 3

typedef struct {
  DM          state, medium; /* one unknown, and two: log k and r */
  Vec         u, block[NBLOCKS];
  PetscScalar peclet, cubic, ends[2], wells[NWELLS]; /* what the residual reads, on every rank */
  Mat         J, Fends;
  SNES        snes;
  Dini        dini;
  PetscInt    n, residuals, fills, applies; /* calls */
} Blocks;

/* A Dini with all blocks: coloured, rhs, two scalars, a matrix, an operator, zero */
extern PetscErrorCode BlocksCreate(PetscInt n, Blocks *);
extern PetscErrorCode BlocksDestroy(Blocks *);
extern PetscErrorCode BlocksJacobian(Blocks *, Vec u, Mat J);
/* F_m of all active blocks as one dense matrix with the columns of the flat vector, by hand */
extern PetscErrorCode BlocksReference(Blocks *, Vec flat, Mat *Fm);
