/* Wells at one place with different heads: no field of heads has them all. With the mean of each place,

     rms^2 >= 1/n sum over places, sum over its wells (d_i - mean)^2 */
#include "aquifer.h"
#include <stdlib.h>

static int Compare(const void *a, const void *b)
{
  const Well *v = (const Well *)a, *w = (const Well *)b;

  if (v->x < w->x || (v->x == w->x && v->y < w->y)) return -1;
  return v->x > w->x || v->y > w->y;
}

/* Sum of squares about their mean, of the wells that share the place of the first of them; and how many these are */
static PetscReal SpreadAt(const Well *w, PetscInt n, PetscInt *there)
{
  PetscReal mean = 0, sum = 0;
  PetscInt  k;

  for (k = 0; k < n && w[k].x == w[0].x && w[k].y == w[0].y; k++) mean += w[k].head;
  mean /= (PetscReal)k;
  for (PetscInt i = 0; i < k; i++) sum += PetscSqr(w[i].head - mean);
  *there = k;
  return sum;
}

/* The least RMS misfit at the wells in use, and how many of them share their place with others */
PetscErrorCode PlacesSpread(const Wells *wells, PetscReal *least, PetscInt *shared)
{
  Well    *sorted;
  PetscInt n = 0, there = 0;

  PetscFunctionBeginUser;
  *least  = 0;
  *shared = 0;
  PetscCall(PetscMalloc1(wells->n, &sorted));
  for (PetscInt i = 0; i < wells->n; i++)
    if (wells->well[i].used) sorted[n++] = wells->well[i];
  qsort(sorted, (size_t)n, sizeof(*sorted), Compare);
  for (PetscInt i = 0; i < n; i += there) {
    *least += SpreadAt(sorted + i, n - i, &there);
    if (there > 1) *shared += there;
  }
  *least = PetscSqrtReal(*least / (PetscReal)PetscMax(n, 1));
  PetscCall(PetscFree(sorted));
  PetscFunctionReturn(0);
}

/* Says so, and refuses to look for a smaller misfit */
PetscErrorCode PlacesCheck(MPI_Comm comm, const AquiferOptions *o, const Wells *wells)
{
  PetscReal least;
  PetscInt  shared;

  PetscFunctionBeginUser;
  PetscCall(PlacesSpread(wells, &least, &shared));
  if (!(least > 0)) PetscFunctionReturn(0);
  PetscCheck(!o->match || least <= o->head_error * PetscExpReal(o->match_tolerance), comm, PETSC_ERR_USER_INPUT,
             "%s: %" PetscInt_FMT " wells share their place with others: their heads differ, and so the RMS misfit "
             "cannot go below %.2f m. -aquifer_head_error %g is less: raise it, or keep the prior's weight with "
             "-aquifer_match_error 0",
             wells->file, shared, (double)least, (double)o->head_error);
  PetscCall(PetscPrintf(comm,
                        "%" PetscInt_FMT
                        " wells share their place with others: their heads differ, and so the RMS misfit "
                        "cannot go below %.2f m.\n",
                        shared, (double)least));
  PetscFunctionReturn(0);
}
