/* The regional trend: the plane that fits the heads of the wells in use best, by least squares. */
#include "aquifer.h"

PetscReal TrendAt(const Trend *t, PetscReal x, PetscReal y)
{
  return t->a + t->b * (x - t->x0) + t->c * (y - t->y0);
}

/* About the wells' centre the normal equations fall apart into the mean and a 2 x 2 system for the slopes */
PetscErrorCode TrendFit(MPI_Comm comm, const Wells *wells, Trend *t)
{
  PetscReal xx = 0, xy = 0, yy = 0, xh = 0, yh = 0, det;
  PetscInt  n = 0;

  PetscFunctionBeginUser;
  *t = (Trend){0, 0, 0, 0, 0, 0};
  for (PetscInt i = 0; i < wells->n; i++) {
    const Well *w = &wells->well[i];

    if (!w->used) continue;
    t->x0 += w->x, t->y0 += w->y, t->a += w->head;
    n++;
  }
  PetscCheck(n >= 3, comm, PETSC_ERR_USER_INPUT, "%s: %" PetscInt_FMT " wells: the trend needs 3 or more", wells->file,
             n);
  t->x0 /= n, t->y0 /= n, t->a /= n;
  for (PetscInt i = 0; i < wells->n; i++) {
    const Well     *w = &wells->well[i];
    const PetscReal x = w->x - t->x0, y = w->y - t->y0, h = w->head - t->a;

    if (!w->used) continue;
    xx += x * x, xy += x * y, yy += y * y, xh += x * h, yh += y * h;
  }
  det = xx * yy - xy * xy;
  PetscCheck(det > 1e-8 * PetscSqr(xx + yy), comm, PETSC_ERR_USER_INPUT, "%s: the wells lie on one line: no plane fits",
             wells->file);
  t->b = (yy * xh - xy * yh) / det;
  t->c = (xx * yh - xy * xh) / det;
  for (PetscInt i = 0; i < wells->n; i++) {
    const Well *w = &wells->well[i];

    if (w->used) t->rms += PetscSqr(w->head - TrendAt(t, w->x, w->y)) / n;
  }
  t->rms = PetscSqrtReal(t->rms);
  PetscFunctionReturn(0);
}
