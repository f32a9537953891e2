/* Modes followed from solve to solve by the overlap of their vectors, so that a number stays with its mode at crossings. */
#include "../../private/dinieigenimpl.h"

/* d_ij = x_old_i^H B x_new_j, or x_old_i^H x_new_j where vectors have length one in the plain norm */
static PetscErrorCode DiniOverlaps_Eigen(Dini dini, PetscInt nold, DiniMode old[], DiniComplex d[])
{
  Dini_Eigen  *ctx = (Dini_Eigen *)dini->data;
  DiniEigenVec w;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < ctx->nmodes; j++) {
    DiniMode *mode = &ctx->modes[j];

    PetscCall(DiniEigenVecCreate_Private(mode->x.r, (PetscBool)(mode->x.i != NULL), &w));
    if (ctx->hermitian) PetscCall(DiniEigenD_Private(dini, mode, mode->x, w));
    else PetscCall(DiniEigenVecCopy_Private(mode->x, w));
    for (PetscInt i = 0; i < nold; i++)
      PetscCall(DiniEigenVecDot_Private(w, old[i].lost.r ? old[i].lost : old[i].x, &d[i * ctx->nmodes + j]));
    PetscCall(DiniEigenVecDestroy_Private(&w));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* place[j] is the number that new mode j takes: the largest overlaps choose first */
static PetscErrorCode DiniAssign_Eigen(PetscInt nold, PetscInt n, const DiniComplex d[], PetscBool taken[],
                                       PetscInt place[])
{
  PetscFunctionBegin;
  for (PetscInt j = 0; j < n; j++) place[j] = -1;
  for (PetscInt round = 0; round < PetscMin(nold, n); round++) {
    PetscInt  bi = -1, bj = -1;
    PetscReal best = -1.0;

    for (PetscInt i = 0; i < PetscMin(nold, n); i++)
      for (PetscInt j = 0; j < n; j++)
        if (!taken[i] && place[j] < 0 && DiniCxAbs(d[i * n + j]) > best) {
          best = DiniCxAbs(d[i * n + j]);
          bi   = i;
          bj   = j;
        }
    if (bi < 0) break; /* only NaN is left */
    taken[bi] = PETSC_TRUE;
    place[bj] = bi;
  }
  for (PetscInt j = 0, next = 0; j < n; j++) {
    if (place[j] >= 0) continue;
    while (taken[next]) next++;
    taken[next] = PETSC_TRUE;
    place[j]    = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Within a cluster any basis may come back: what counts is the part of the old vector in the span of the cluster. */
static PetscReal DiniClusterOverlap_Eigen(const Dini_Eigen *ctx, const DiniComplex d[], PetscInt i, PetscInt j)
{
  PetscReal sum = 0.0;

  for (PetscInt k = 0; k < ctx->nmodes; k++)
    if (ctx->modes[k].cluster == ctx->modes[j].cluster)
      sum += DiniCxAbs(d[i * ctx->nmodes + k]) * DiniCxAbs(d[i * ctx->nmodes + k]);
  return PetscSqrtReal(sum);
}

PetscErrorCode DiniEigenTrack_Private(Dini dini, PetscInt nold, DiniMode old[])
{
  Dini_Eigen    *ctx = (Dini_Eigen *)dini->data;
  const PetscInt n   = ctx->nmodes;
  DiniComplex   *d;
  DiniMode      *sorted;
  PetscInt      *place, nloc, oloc;
  PetscBool     *taken;

  PetscFunctionBegin;
  PetscCall(VecGetSize(old[0].x.r, &oloc));
  PetscCall(VecGetSize(ctx->modes[0].x.r, &nloc));
  if (oloc != nloc) PetscFunctionReturn(PETSC_SUCCESS); /* another problem */
  PetscCall(PetscMalloc4(nold * n, &d, n, &sorted, n, &place, n, &taken));
  PetscCall(PetscArrayzero(taken, n));
  PetscCall(DiniOverlaps_Eigen(dini, nold, old, d));
  PetscCall(DiniAssign_Eigen(nold, n, d, taken, place));
  for (PetscInt j = 0; j < n; j++) {
    const PetscInt i = place[j];

    if (i < nold) {
      DiniComplex dot = d[i * n + j];
      PetscReal   size;

      if (!PetscDefined(USE_COMPLEX) && !ctx->modes[j].x.i) dot.im = 0.0; /* a real vector knows only signs */
      size                  = DiniCxAbs(dot);
      ctx->modes[j].overlap = DiniClusterOverlap_Eigen(ctx, d, i, j);
      if (size > 0.0) PetscCall(DiniEigenVecScale_Private(ctx->modes[j].x, DiniCxScale(1.0 / size, DiniCxConj(dot))));
    }
    sorted[i] = ctx->modes[j];
    if (i < nold && sorted[i].overlap < ctx->minoverlap) { /* it may come back */
      DiniEigenVec *from = old[i].lost.r ? &old[i].lost : &old[i].x;

      sorted[i].lost = *from;
      from->r = from->i = NULL;
    }
  }
  PetscCall(PetscArraycpy(ctx->modes, sorted, n));
  PetscCall(PetscFree4(d, sorted, place, taken));
  PetscFunctionReturn(PETSC_SUCCESS);
}
