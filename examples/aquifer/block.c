/* The two parameter blocks as Dini sees them: the unknowns are the xi of the prior, and the residual reads mean + S xi.
   So F_xi = F_m S: the products with it and with its adjoint are those of sensitivity.c and prior.c, in turn. */
#include "aquifer.h"

/* DiniParameterUpdateFn: hands new unknowns to the flow */
static PetscErrorCode Update(Dini dini, Vec xi, void *ctx)
{
  Block *b = (Block *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(PriorApply(&b->prior, xi, b->value));
  PetscCall(VecAXPY(b->value, 1.0, b->prior.mean));
  PetscFunctionReturn(0);
}

/* DiniParameterApplyFn, four times: y = F_xi x, and y = F_xi^H x */
static PetscErrorCode ApplyField(Dini dini, Vec u, Vec xi, Vec x, Vec y, void *ctx)
{
  Block *b = (Block *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)xi;
  PetscCall(PriorApply(&b->prior, x, b->work));
  PetscCall(FlowFieldDerivative(b->flow, u, b->work, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyFieldAdjoint(Dini dini, Vec u, Vec xi, Vec x, Vec y, void *ctx)
{
  Block *b = (Block *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)xi;
  PetscCall(FlowFieldAdjoint(b->flow, u, x, b->work));
  PetscCall(PriorApplyAdjoint(&b->prior, b->work, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyBoundary(Dini dini, Vec u, Vec xi, Vec x, Vec y, void *ctx)
{
  Block *b = (Block *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)xi;
  PetscCall(PriorApply(&b->prior, x, b->work));
  PetscCall(FlowBoundaryDerivative(b->flow, b->work, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyBoundaryAdjoint(Dini dini, Vec u, Vec xi, Vec x, Vec y, void *ctx)
{
  Block *b = (Block *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)xi;
  PetscCall(FlowBoundaryAdjoint(b->flow, x, b->work));
  PetscCall(PriorApplyAdjoint(&b->prior, b->work, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Add(Inversion *inv, const char name[], PetscInt which, DiniParameterApplyFn *apply,
                          DiniParameterApplyFn *adjoint)
{
  Block   *b = &inv->block[which];
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b->value, &b->xi));
  PetscCall(VecDuplicate(b->value, &b->work));
  PetscCall(VecSet(b->xi, 0.0));
  PetscCall(DiniAddParameter(inv->dini, name, b->xi, &p));
  PetscCheck(p == which, PetscObjectComm((PetscObject)inv->dini), PETSC_ERR_PLIB, "blocks are added in their order");
  PetscCall(DiniSetParameterUpdate(inv->dini, p, Update, b));
  PetscCall(DiniSetParameterOperator(inv->dini, p, apply, adjoint, b));
  PetscFunctionReturn(0);
}

/* The prior means: uniform transmissivity, and the regional trend along the boundary */
static PetscErrorCode SetMeans(Inversion *inv)
{
  const Grid  *g = &inv->grid;
  PetscScalar *trend;

  PetscFunctionBeginUser;
  PetscCall(VecSet(inv->block[FIELD].prior.mean, inv->options->m_mean));
  PetscCall(VecGetArrayWrite(inv->block[BOUNDARY].prior.mean, &trend));
  for (PetscInt k = 0; k < g->nb; k++) {
    PetscInt i, j;

    GridGetBoundaryPoint(g, k, &i, &j);
    trend[k] = TrendAt(&inv->trend, g->domain[0] + (PetscReal)i * g->dx, g->domain[2] + (PetscReal)j * g->dy);
  }
  PetscCall(VecRestoreArrayWrite(inv->block[BOUNDARY].prior.mean, &trend));
  for (PetscInt p = 0; p < BLOCKS; p++) PetscCall(VecCopy(inv->block[p].prior.mean, inv->block[p].value));
  PetscFunctionReturn(0);
}

PetscErrorCode BlocksAdd(Inversion *inv)
{
  const AquiferOptions *o = inv->options;
  Block                *b = inv->block;

  PetscFunctionBeginUser;
  b[FIELD].flow = b[BOUNDARY].flow = &inv->flow;
  b[FIELD].value                   = inv->flow.m;
  b[BOUNDARY].value                = inv->flow.hb;
  PetscCall(PriorCreateField(&inv->grid, o->m_sigma, o->m_length, &b[FIELD].prior));
  PetscCall(PriorCreateBoundary(&inv->grid, o->boundary_sigma, o->boundary_length, &b[BOUNDARY].prior));
  PetscCall(SetMeans(inv));
  PetscCall(Add(inv, "log_transmissivity", FIELD, ApplyField, ApplyFieldAdjoint));
  PetscCall(Add(inv, "boundary_heads", BOUNDARY, ApplyBoundary, ApplyBoundaryAdjoint));
  PetscFunctionReturn(0);
}

/* Unknowns of a finer grid. M^{-1/2} xi is white noise as a function, so that is what is interpolated */
PetscErrorCode BlocksProlong(Inversion *coarse, Inversion *fine)
{
  Mat P;
  Vec c, f;

  PetscFunctionBeginUser;
  PetscCall(DMCreateInterpolation(coarse->grid.da, fine->grid.da, &P, NULL));
  PetscCall(MatInterpolate(P, coarse->flow.head, fine->flow.head));
  PetscCall(DMGetGlobalVector(coarse->grid.da, &c));
  PetscCall(DMGetGlobalVector(fine->grid.da, &f));
  PetscCall(VecPointwiseDivide(c, coarse->block[FIELD].xi, coarse->block[FIELD].prior.rootmass));
  PetscCall(MatInterpolate(P, c, f));
  PetscCall(VecPointwiseMult(fine->block[FIELD].xi, f, fine->block[FIELD].prior.rootmass));
  PetscCall(VecPointwiseDivide(coarse->block[BOUNDARY].work, coarse->block[BOUNDARY].xi,
                               coarse->block[BOUNDARY].prior.rootmass));
  PetscCall(VecSet(c, 0.0));
  PetscCall(GridBoundaryToField(&coarse->grid, coarse->block[BOUNDARY].work, c));
  PetscCall(MatInterpolate(P, c, f)); /* a fine boundary node lies between coarse ones of the boundary */
  PetscCall(GridFieldToBoundary(&fine->grid, f, fine->block[BOUNDARY].work));
  PetscCall(
      VecPointwiseMult(fine->block[BOUNDARY].xi, fine->block[BOUNDARY].work, fine->block[BOUNDARY].prior.rootmass));
  PetscCall(DMRestoreGlobalVector(fine->grid.da, &f));
  PetscCall(DMRestoreGlobalVector(coarse->grid.da, &c));
  PetscCall(MatDestroy(&P));
  PetscFunctionReturn(0);
}

PetscErrorCode BlocksDestroy(Inversion *inv)
{
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < BLOCKS; p++) {
    PetscCall(PriorDestroy(&inv->block[p].prior));
    PetscCall(VecDestroy(&inv->block[p].xi));
    PetscCall(VecDestroy(&inv->block[p].work));
  }
  PetscFunctionReturn(0);
}
