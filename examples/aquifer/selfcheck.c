/* The example's checks of itself, each behind an option:
     -aquifer_check_forward           uniform transmissivity and a plane on the boundary give exactly that plane
     -aquifer_check_prior             the priors' standard deviations are those asked for
     -aquifer_gradient_write FILE     the gradient at a fixed rough point, in the grid's natural order
     -aquifer_gradient_compare FILE   the same, against the file, such as one from another number of ranks */
#include "aquifer.h"

static PetscErrorCode CheckForward(MPI_Comm comm, const AquiferOptions *o, const Wells *wells)
{
  Inversion         *inv;
  const PetscScalar *h;
  PetscReal          value, worst = 0;
  const Grid        *g;

  PetscFunctionBeginUser;
  PetscCall(InversionCreate(comm, o, wells, NULL, &inv));
  PetscCall(InversionEvaluate(inv, &value, NULL)); /* the prior means are just that */
  g = &inv->grid;
  PetscCall(VecGetArrayRead(inv->flow.head, &h));
  for (PetscInt k = 0; k < g->xm * g->ym; k++) {
    const PetscReal x = g->domain[0] + (PetscReal)(g->xs + k % g->xm) * g->dx;
    const PetscReal y = g->domain[2] + (PetscReal)(g->ys + k / g->xm) * g->dy;

    worst = PetscMax(worst, PetscAbsScalar(h[k] - TrendAt(&inv->trend, x, y)));
  }
  PetscCall(VecRestoreArrayRead(inv->flow.head, &h));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, comm));
  PetscCheck(worst < 1e-5, comm, PETSC_ERR_PLIB, "the head is %g m off the plane", (double)worst);
  PetscCheck(PetscAbsReal(inv->rms - inv->trend.rms) < 1e-5, comm, PETSC_ERR_PLIB,
             "RMS misfit %g m, the plane's is %g m", (double)inv->rms, (double)inv->trend.rms);
  PetscCall(PetscPrintf(comm, "the head is the plane: passed\n"));
  PetscCall(InversionDestroy(&inv));
  PetscFunctionReturn(0);
}

/* Standard deviation at one node: the covariance's diagonal is |S^T e|^2. A negative place means: not on this rank */
static PetscErrorCode SigmaAt(Prior *p, PetscInt place, PetscReal *sigma)
{
  Vec e, s;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->mean, &e));
  PetscCall(VecDuplicate(p->mean, &s));
  PetscCall(VecSet(e, 0.0));
  if (place >= 0) {
    PetscInt start;

    PetscCall(VecGetOwnershipRange(e, &start, NULL));
    PetscCall(VecSetValue(e, start + place, 1.0, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(e));
  PetscCall(VecAssemblyEnd(e));
  PetscCall(PriorApplyAdjoint(p, e, s));
  PetscCall(VecNorm(s, NORM_2, sigma));
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&s));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckSigma(Prior *p, const char what[], PetscInt place, PetscReal sigma, PetscReal tolerance)
{
  PetscReal got;
  MPI_Comm  comm = PetscObjectComm((PetscObject)p->K);

  PetscFunctionBeginUser;
  PetscCall(SigmaAt(p, place, &got));
  PetscCall(PetscPrintf(comm, "standard deviation, %s: %.4g, asked for %.4g\n", what, (double)got, (double)sigma));
  PetscCheck(PetscAbsReal(got / sigma - 1) < tolerance, comm, PETSC_ERR_PLIB, "%s: off by more than %g", what,
             (double)tolerance);
  PetscFunctionReturn(0);
}

static PetscInt PlaceOf(const Grid *g, PetscInt i, PetscInt j)
{
  const PetscBool mine = (PetscBool)(i >= g->xs && i < g->xs + g->xm && j >= g->ys && j < g->ys + g->ym);

  return mine ? (j - g->ys) * g->xm + i - g->xs : -1;
}

#if defined(AQUIFER_POSTERIOR)
/* The variance by modes against solves, at nodes of all kinds */
static PetscErrorCode CheckVariance(const Grid *g, Prior *p)
{
  const PetscInt     node[][2] = {{0, 0},         {g->nx - 1, 0}, {0, g->ny - 1},         {g->nx / 2, 0},
                                  {0, g->ny / 3}, {1, g->ny / 2}, {g->nx / 5, g->ny / 7}, {g->nx / 2, g->ny / 2}};
  const PetscInt     nodes     = (PetscInt)(sizeof(node) / sizeof(node[0]));
  const PetscScalar *v;
  MPI_Comm           comm  = PetscObjectComm((PetscObject)g->da);
  PetscReal          worst = 0;
  Vec                variance;

  PetscFunctionBeginUser;
  PetscCall(DMCreateGlobalVector(g->da, &variance));
  PetscCall(PriorFieldVariance(g, p, variance));
  PetscCall(VecGetArrayRead(variance, &v));
  for (PetscInt k = 0; k < nodes; k++) {
    const PetscInt place = PlaceOf(g, node[k][0], node[k][1]);
    PetscReal      sigma;

    PetscCall(SigmaAt(p, place, &sigma));
    if (place >= 0) worst = PetscMax(worst, PetscAbsReal(PetscRealPart(v[place]) / PetscSqr(sigma) - 1));
  }
  PetscCall(VecRestoreArrayRead(variance, &v));
  PetscCall(VecDestroy(&variance));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, comm));
  PetscCheck(worst < 1e-8, comm, PETSC_ERR_PLIB, "the variance by modes differs from solves by %g of it",
             (double)worst);
  PetscCall(PetscPrintf(comm, "variance by modes against solves at %" PetscInt_FMT " nodes: %.1e apart\n", nodes,
                        (double)worst));
  PetscFunctionReturn(0);
}
#endif

static PetscErrorCode CheckPrior(MPI_Comm comm, const AquiferOptions *o, const Wells *wells)
{
  Inversion *inv;
  Prior     *field, *ring;
  Grid      *g;

  PetscFunctionBeginUser;
  PetscCall(InversionCreate(comm, o, wells, NULL, &inv));
  g     = &inv->grid;
  field = &inv->block[FIELD].prior;
  ring  = &inv->block[BOUNDARY].prior;
  PetscCall(CheckSigma(field, "ln T in the middle", PlaceOf(g, g->nx / 2, g->ny / 2), o->m_sigma, 0.05));
  PetscCall(CheckSigma(field, "ln T at an edge", PlaceOf(g, g->nx / 2, 0), o->m_sigma, 0.2));
  PetscCall(CheckSigma(field, "ln T in a corner", PlaceOf(g, 0, 0), o->m_sigma, 0.3));
#if defined(AQUIFER_POSTERIOR)
  PetscCall(CheckVariance(g, field));
#endif
  PetscCall(
      CheckSigma(ring, "boundary head", PlaceOf(g, 0, 0), o->boundary_sigma, 0.05)); /* the corner leads the ring */
  PetscCall(PetscPrintf(comm, "the priors' standard deviations: passed\n"));
  PetscCall(InversionDestroy(&inv));
  PetscFunctionReturn(0);
}

/* Waves in both blocks, the same functions on every number of ranks */
static PetscErrorCode SetRoughPoint(Inversion *inv)
{
  const Grid  *g = &inv->grid;
  PetscScalar *v;
  Vec          field, part;

  PetscFunctionBeginUser;
  PetscCall(DMGetGlobalVector(g->da, &field));
  PetscCall(VecGetArrayWrite(field, &v));
  for (PetscInt k = 0; k < g->xm * g->ym; k++) {
    const PetscReal s = (PetscReal)(g->xs + k % g->xm) / (PetscReal)g->nx;
    const PetscReal t = (PetscReal)(g->ys + k / g->xm) / (PetscReal)g->ny;

    v[k] = PetscSinReal(7 * s + 2) * PetscCosReal(5 * t) + 0.3 * PetscSinReal(31 * s * t);
  }
  PetscCall(VecRestoreArrayWrite(field, &v));
  PetscCall(DiniGetParameterSubVec(inv->dini, inv->x, FIELD, &part));
  PetscCall(VecCopy(field, part));
  PetscCall(DiniRestoreParameterSubVec(inv->dini, inv->x, FIELD, &part));
  PetscCall(DiniGetParameterSubVec(inv->dini, inv->x, BOUNDARY, &part));
  PetscCall(GridFieldToBoundary(g, field, part));
  PetscCall(DiniRestoreParameterSubVec(inv->dini, inv->x, BOUNDARY, &part));
  PetscCall(DMRestoreGlobalVector(g->da, &field));
  PetscFunctionReturn(0);
}

/* Both parts of the gradient as fields: PETSc's viewers store fields in natural order */
static PetscErrorCode GetGradientFields(Inversion *inv, Vec fields[BLOCKS])
{
  PetscReal value;
  Vec       gradient, part;

  PetscFunctionBeginUser;
  PetscCall(SetRoughPoint(inv));
  PetscCall(VecDuplicate(inv->x, &gradient));
  PetscCall(InversionEvaluate(inv, &value, gradient));
  for (PetscInt p = 0; p < BLOCKS; p++) {
    PetscCall(DMCreateGlobalVector(inv->grid.da, &fields[p]));
    PetscCall(VecSet(fields[p], 0.0));
    PetscCall(DiniGetParameterSubVec(inv->dini, gradient, p, &part));
    if (p == FIELD) PetscCall(VecCopy(part, fields[p]));
    else PetscCall(GridBoundaryToField(&inv->grid, part, fields[p]));
    PetscCall(DiniRestoreParameterSubVec(inv->dini, gradient, p, &part));
  }
  PetscCall(VecDestroy(&gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckGradient(MPI_Comm comm, const AquiferOptions *o, const Wells *wells, const char file[],
                                    PetscBool compare)
{
  const char *names[BLOCKS] = {"log_transmissivity", "boundary_heads"};
  Inversion  *inv;
  PetscViewer viewer;
  Vec         fields[BLOCKS];

  PetscFunctionBeginUser;
  PetscCall(InversionCreate(comm, o, wells, NULL, &inv));
  PetscCall(GetGradientFields(inv, fields));
  PetscCall(PetscViewerBinaryOpen(comm, file, compare ? FILE_MODE_READ : FILE_MODE_WRITE, &viewer));
  for (PetscInt p = 0; p < BLOCKS; p++) {
    PetscReal norm, difference;
    Vec       other;

    PetscCall(VecNorm(fields[p], NORM_2, &norm));
    if (compare) {
      PetscCall(VecDuplicate(fields[p], &other));
      PetscCall(VecLoad(other, viewer));
      PetscCall(VecAXPY(other, -1.0, fields[p]));
      PetscCall(VecNorm(other, NORM_2, &difference));
      PetscCall(VecDestroy(&other));
      PetscCall(PetscPrintf(comm, "gradient, %s: norm %.10g, relative difference %.2e\n", names[p], (double)norm,
                            (double)(difference / norm)));
      PetscCheck(difference <= 1e-8 * norm, comm, PETSC_ERR_PLIB, "the gradient differs from the one in %s", file);
    } else {
      PetscCall(VecView(fields[p], viewer));
      PetscCall(PetscPrintf(comm, "gradient, %s: norm %.10g\n", names[p], (double)norm));
    }
    PetscCall(VecDestroy(&fields[p]));
  }
  PetscCall(PetscViewerDestroy(&viewer));
  PetscCall(PetscPrintf(comm, "the gradient %s: passed\n", compare ? "agrees" : "is written"));
  PetscCall(InversionDestroy(&inv));
  PetscFunctionReturn(0);
}

/* Runs the checks asked for; done says that there were any */
PetscErrorCode CheckFromOptions(MPI_Comm comm, const AquiferOptions *o, const Wells *wells, PetscBool *done)
{
  const PetscBool write = (PetscBool)(o->gradient_write[0] != 0), compare = (PetscBool)(o->gradient_compare[0] != 0);

  PetscFunctionBeginUser;
  if (o->check_forward) PetscCall(CheckForward(comm, o, wells));
  if (o->check_prior) PetscCall(CheckPrior(comm, o, wells));
  if (write) PetscCall(CheckGradient(comm, o, wells, o->gradient_write, PETSC_FALSE));
  if (compare) PetscCall(CheckGradient(comm, o, wells, o->gradient_compare, PETSC_TRUE));
  *done = (PetscBool)(o->check_forward || o->check_prior || write || compare);
  PetscFunctionReturn(0);
}
