/* Private to the library: the columns of a matrix by colours, and the differences that fill it. */
#pragma once
#include "dinistepsimpl.h"

struct _DiniColoring {
  PetscInt         ncolors, ncols; /* ncols: columns owned here */
  ISColoringValue *own;            /* colour of each column owned here */
  PetscInt         nrows, first;   /* rows owned here */
  PetscInt        *rowptr, *cols;  /* pattern by rows, global columns */
  PetscInt        *ghost;          /* where an entry's column sits among the ghosts */
  PetscInt        *colorptr, *nz;  /* entries by colour */
  PetscInt        *row;            /* local row of each entry */
  PetscScalar     *values, *tried; /* kept, and of the round under way */
  PetscReal       *second;         /* second differences of the round; negative: NaN */
  PetscReal       *rowsizes;
  DiniColumn      *columns;                      /* owned here */
  Vec              one, two;                     /* shifts of one colour */
  Vec              ghosth, ghostformula, ghostw; /* of the columns seen here: steps of the round, 0 for none; work */
  Vec              ghostsize;                    /* |v_j|, or where that is zero what the first step was measured by */
  VecScatter       scatter;
  PetscInt64       point; /* where the steps have been found */
};
